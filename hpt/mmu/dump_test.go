package mmu_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/internal/oracle"
	"github.com/hashmmu/ppc64/pte"
)

// dump is a machine that was stopped: its table, its SLB, and what the kernel
// said about the pages of a process.
type dump struct {
	dir   string
	facts struct {
		CPU    string `json:"cpu"`
		Format int    `json:"hpte_format"`
		Shift  int    `json:"hpt_shift"`
	}
	stats struct {
		Check struct {
			Match int `json:"match"`
		} `json:"pagemap_check"`
	}
}

func openDump(t *testing.T, dir string) *dump {
	d := &dump{dir: dir}
	for name, v := range map[string]any{"facts.json": &d.facts, "stats.json": &d.stats} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, v))
	}
	return d
}

// each calls f with the fields of every line of a text file that has them.
func (d *dump) each(t *testing.T, name, format string, f func(fields ...uint64)) {
	file, err := os.Open(filepath.Join(d.dir, name))
	require.NoError(t, err)
	defer file.Close()
	for in := bufio.NewScanner(file); in.Scan(); {
		var a, b, c uint64
		if n, _ := fmt.Sscanf(in.Text(), format, &a, &b, &c); n == 3 {
			f(a, b, c)
		}
	}
}

// cpu makes the processor, in problem state, over the dumped table.
func (d *dump) cpu(t *testing.T) *mmu.CPU {
	profile := map[string]mmu.Profile{"power8": mmu.POWER8, "power9": mmu.POWER9}[d.facts.CPU]
	require.NotEmpty(t, profile.Name)
	format := hpt.Format2
	if d.facts.Format == 3 {
		format = hpt.Format3
	}
	image, err := oracle.Open(filepath.Join(d.dir, "hpt.bin.gz"))
	require.NoError(t, err)
	defer image.Close()
	tab, err := hpt.ReadImage(image, hpt.Config{Order: d.facts.Shift, Format: format})
	require.NoError(t, err)
	c, err := mmu.New(mmu.Config{Profile: profile, Table: tab})
	require.NoError(t, err)
	c.SetMSR(on | mmu.MSRPR)
	d.each(t, "slb.txt", "%d %v %v", func(f ...uint64) {
		require.True(t, c.SLBMTE(f[1]|f[0], f[2]))
	})
	return c
}

// check translates the pages that the process had, and returns how many have an
// entry. The kernel's frames are 64 KiB.
func (d *dump) check(t *testing.T) (mapped int) {
	c := d.cpu(t)
	d.each(t, "pagemap.txt", "PM %d %v %x", func(f ...uint64) {
		ea, entry := pte.EA(f[1]), f[2]
		if entry>>63 == 0 {
			return
		}
		frame := pte.RA(entry & (1<<55 - 1) << 16)
		x := c.Translate(ea+0x1234, pte.Read)
		if !x.OK() {
			require.EqualValues(t, mmu.StatusNoPTE, x.Status, "only for want of an entry: %v", c.Explain(ea, pte.Read))
			return
		}
		require.Equal(t, frame+0x1234, x.RA, "%v", c.Explain(ea, pte.Read))
		require.False(t, x.SetR, "the process has read it")
		mapped++
	})
	return mapped
}

// TestDumps: in every dump, each page that has an entry translates to the frame
// that the kernel recorded, and as many have one as were counted.
func TestDumps(t *testing.T) {
	dirs := append(oracle.Glob("dumps/*"), "testdata/pseries_p9_16m")
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			d := openDump(t, dir)
			require.Positive(t, d.stats.Check.Match)
			require.Equal(t, d.stats.Check.Match, d.check(t))
		})
	}
}
