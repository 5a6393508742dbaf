package main

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm/scenario"
)

// TestSoftOutput pins what the guest prints on an e5500.
func TestSoftOutput(t *testing.T) {
	want, err := os.ReadFile("testdata/e5500.txt")
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, start(&out, "e5500"))
	require.Equal(t, string(want), out.String())
}

// TestSameProgramOnEveryTLB: whatever fills the TLB, the program does what it does
// on the hash table, with as many page faults.
func TestSameProgramOnEveryTLB(t *testing.T) {
	own := regexp.MustCompile(`(?m)^(  kernel:|hash table:|TLB:).*\n`)
	var want bytes.Buffer
	require.NoError(t, start(&want, ""))
	parts := scenario.SoftProfiles
	if testing.Short() {
		parts = []string{"ppc603", "mips32r2", "sparc64-tsb"}
	}
	for _, part := range parts {
		var out bytes.Buffer
		require.NoError(t, start(&out, part), part)
		require.Equal(t, own.ReplaceAllString(want.String(), ""), own.ReplaceAllString(out.String(), ""), part)
		require.Contains(t, out.String(), "page faults 44,", part)
	}
}

// TestSoftGuestGoesWrong: what the kernel cannot serve stops the vCPU.
func TestSoftGuestGoesWrong(t *testing.T) {
	require.Error(t, start(&bytes.Buffer{}, "z80"))
	for name, word := range map[string]uint32{
		"illegal instruction": 0, "privileged instruction": 0x7c0007e4, // slbia
		"load from nowhere": 0x80000000, "store to the program": 0x91ef0000, // lwz r0,0(0); stw r15,0(r15)
	} {
		memory := make(ram, ramBytes/8)
		memory.store(userImage, 4, uint64(word))
		kernels, err := newSoftKernels("ppc440", memory)
		require.NoError(t, err, name)
		p := kernels[0]
		p.c.gpr[15] = textBase
		p.c.step()
		require.Error(t, p.err, name)
		require.True(t, p.c.stopped, name)
	}
}
