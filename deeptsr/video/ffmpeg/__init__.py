"""FFmpeg used as a tool: filters, its interpolation, VMAF, previews."""
