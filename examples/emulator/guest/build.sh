#!/bin/sh
# Builds guest.bin, which the emulator embeds. Needs a compiler for big-endian
# 64-bit PowerPC: Debian's gcc-powerpc64-linux-gnu.
set -eu
cd "$(dirname "$0")"
cross=powerpc64-linux-gnu
flags="-O1 -mcpu=power8 -mabi=elfv2 -mbig -msoft-float -mno-altivec -mno-vsx -mno-isel
	-ffreestanding -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -Wall"
for c in kernel user; do
	$cross-gcc $flags -c $c.c -o $c.o
done
$cross-gcc $flags -c head.S -o head.o
$cross-ld --no-warn-rwx-segments -T link.ld head.o kernel.o user.o -o guest.elf
$cross-objcopy -O binary guest.elf guest.bin
rm -f ./*.o guest.elf
