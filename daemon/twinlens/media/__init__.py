"""Opening and decoding files, exiftool and RAW previews: turns files into what analysis takes."""
