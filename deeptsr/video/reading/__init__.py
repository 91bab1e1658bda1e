"""From a file to frames: videos, GIFs, folders of images."""
