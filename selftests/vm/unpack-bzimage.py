#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""unpack-bzimage.py BZIMAGE VMLINUX: takes the kernel out of its compression.

QEMU can start an uncompressed kernel as it is (PVH), which spares the guest
the BIOS and the unpacking: two to three seconds under an emulated CPU.
"""

import struct
import subprocess
import sys

UNPACKERS = {
    b"\x28\xb5\x2f\xfd": ["zstd", "-dc"],
    b"\xfd7zX": ["xz", "-dc"],
    b"\x1f\x8b": ["gzip", "-dc"],
}

with open(sys.argv[1], "rb") as f:
    image = f.read()
# Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length.
setup = (image[0x1F1] or 4) + 1
offset, length = struct.unpack_from("<II", image, 0x248)
# The last four bytes are the unpacked size, not part of the stream.
payload = image[setup * 512 + offset:][:length - 4]
for magic, command in UNPACKERS.items():
    if payload.startswith(magic):
        kernel = subprocess.run(command, input=payload, stdout=subprocess.PIPE,
                                check=True).stdout
        break
else:
    sys.exit(f"{sys.argv[1]}: unknown compression {payload[:4].hex()}")
if not kernel.startswith(b"\x7fELF"):
    sys.exit(f"{sys.argv[1]}: what came out is no ELF file")
with open(sys.argv[2], "wb") as f:
    f.write(kernel)
