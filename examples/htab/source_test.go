package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/internal/oracle"
	"github.com/hashmmu/ppc64/internal/realtable"
	"github.com/hashmmu/ppc64/pte"
)

// core wraps memory in an ELF64 core of a ppc64 machine with one segment.
func core(memory []byte) []byte {
	var b bytes.Buffer
	for _, v := range []any{
		[16]byte{0x7f, 'E', 'L', 'F', 2, 2, 1}, uint16(4), uint16(21), uint32(1), uint64(0), uint64(64), uint64(0),
		uint32(0), uint16(64), uint16(56), uint16(1), uint16(64), uint16(0), uint16(0),
		uint32(1), uint32(4), uint64(120), uint64(0), uint64(0), uint64(len(memory)), uint64(len(memory)), uint64(1),
	} {
		_ = binary.Write(&b, binary.BigEndian, v)
	}
	return append(b.Bytes(), memory...)
}

// TestSources finds one table in everything that can hold it.
func TestSources(t *testing.T) {
	unpack := func(packed []byte) []byte {
		z, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(t, err)
		raw, err := io.ReadAll(z)
		require.NoError(t, err)
		return raw
	}
	power8, power9 := unpack(realtable.POWER8), unpack(realtable.POWER9)
	at := len(power9) // where memory holds the table
	memory := append(make([]byte, at), power9...)
	binary.BigEndian.PutUint64(memory[0x10000+5*16:], uint64(at)|2) // partition table entry 5

	table, err := realtable.LoadPOWER8(hpt.Config{})
	require.NoError(t, err)
	var htabStream bytes.Buffer
	_, err = image.WriteHTAB(&htabStream, table, image.WriteOptions{})
	require.NoError(t, err)
	sdr1 := fmt.Sprintf("%#x", at|2)

	for name, c := range map[string]struct {
		file   []byte
		args   []string
		digest string
		found  string
	}{
		"raw":    {power8, nil, "0x8b123f9ad177a7bb", "raw image"},
		"HTAB":   {htabStream.Bytes(), nil, "", "KVM HTAB stream"},
		"core":   {core(memory), []string{"-ptcr", "0x10000", "-lpid", "5"}, "0x6a218d956dc51912", "ELF core, 1 segments; table at 0x100000 by PTCR, partition 5"},
		"memory": {memory, []string{"-ptcr", "0x10000", "-lpid", "5"}, "0x6a218d956dc51912", "memory; table at 0x100000 by PTCR, partition 5"},
		"SDR1":   {append(memory[:at:at], power8...), []string{"-sdr1", sdr1}, "0x8b123f9ad177a7bb", "memory; table at 0x100000 by SDR1"},
		"SDR1 0": {make([]byte, 1<<20), []string{"-sdr1", "0"}, "", "memory; table at 0x0 by SDR1"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			require.NoError(t, os.WriteFile(file, c.file, 0o644))
			code, out, errs := clitest.Run(run, "", append(c.args, file)...)
			require.Zero(t, code, errs)
			require.Equal(t, c.found, strings.SplitN(out, "\n", 2)[0])
			require.Contains(t, out, "digest "+c.digest)
			require.Equal(t, name == "SDR1 0", strings.Contains(out, "order 18"))
		})
	}
	for want, c := range map[string]struct {
		file []byte
		args []string
	}{
		"-sdr1 or -ptcr":      {core(memory), []string{"-"}},
		"outside of memory":   {core(memory), []string{"-sdr1", "0x40000000", "-"}},
		"no ELF64 file":       {[]byte("\x7fELF\x01" + strings.Repeat("\x00", 100)), []string{"-"}},
		"one of -sdr1 and":    {memory, []string{"-sdr1", "1", "-ptcr", "1", "-"}},
		"no entry for LPID":   {memory, []string{"-ptcr", "0x10000", "-lpid", "5000", "-"}},
		"no valid SLB entry":  {power8, []string{"-slb", filepath.Join("main.go"), "-"}},
		"without spapr/htab":  {[]byte("QEVM\x00\x00\x00\x03\x00"), []string{"-"}},
		"slots named are not": {[]byte("\x00\x00\x00\x00\x00\x00\x05\x00"), []string{"-"}},
	} {
		clitest.Refuses(t, run, want, string(c.file), c.args...)
	}
}

// TestPages lists the pages of the process that a recorded SLB belongs to and
// compares them with what its kernel says it has mapped.
func TestPages(t *testing.T) {
	for _, slb := range oracle.Glob("dumps/*/slb.txt") {
		dir := filepath.Dir(slb)
		code, out, errs := clitest.Run(run, "", "-json", "-slb", slb, filepath.Join(dir, "hpt.bin.gz"))
		require.Zero(t, code, errs)
		lines := strings.Split(strings.TrimSpace(out), "\n")[1:]
		require.NotEmpty(t, lines)
		mapped := pagemap(t, dir)
		found := 0
		for _, line := range lines {
			var p struct {
				EA pte.EA
				RA pte.RA
			}
			require.NoError(t, json.Unmarshal([]byte(line), &p))
			if ra, ok := mapped[p.EA]; ok {
				require.Equal(t, ra, p.RA, "%s: %v", dir, p.EA)
				found++
			}
		}
		require.Positive(t, found, dir)
	}
}

// pagemap reads the pages of the test process: real addresses by effective ones.
func pagemap(t *testing.T, dir string) map[pte.EA]pte.RA {
	b, err := os.ReadFile(filepath.Join(dir, "pagemap.txt"))
	require.NoError(t, err)
	mapped := map[pte.EA]pte.RA{}
	for _, line := range strings.Split(string(b), "\n") {
		var pid, va, entry uint64
		if n, _ := fmt.Sscanf(line, "PM %d %v %x", &pid, &va, &entry); n == 3 && entry>>63 != 0 {
			mapped[pte.EA(va)] = pte.RA(entry & (1<<55 - 1) << 16)
		}
	}
	return mapped
}

func TestPagesOfAVSID(t *testing.T) {
	code, out, errs := clitest.Run(run, string(realtable.POWER8), "-vsid", "0x1eed67", "-")
	require.Zero(t, code, errs)
	require.Contains(t, out, "\n0 pages\n")
	table, err := realtable.LoadPOWER8(hpt.Config{})
	require.NoError(t, err)
	var k pte.Key
	for s, h := range table.All() {
		k, _, err = table.Sizes().Key(h, s.Group(), table.Mask())
		require.NoError(t, err)
		break
	}
	code, out, errs = clitest.Run(run, string(realtable.POWER8), "-vsid", k.VSID.String(), "-")
	require.Zero(t, code, errs)
	require.Contains(t, out, fmt.Sprintf("%#016x", uint64(k.Offset())))
}
