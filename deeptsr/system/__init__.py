"""The computer: devices, memory, disk, locks. Knows nothing of video or of learning."""
