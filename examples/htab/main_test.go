package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/internal/oracle"
	"github.com/hashmmu/ppc64/internal/realtable"
	"github.com/hashmmu/ppc64/pte"
)

func decode(t *testing.T, out string) (r map[string]any) {
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	return r
}

// TestKeys pins the names and their order, and the whole report of the shipped
// tables.
func TestKeys(t *testing.T) {
	code, out, errs := clitest.Run(run, string(realtable.POWER8), "-json", "-")
	require.Zero(t, code, errs)
	require.Equal(t, `{"format":2,"order":20,"entries":65536,"valid":54574,"bolted":65,"secondary":3959,`+
		`"duplicates":0,"conflicts":0,"misplaced":0,"undecodable":0,"load":0.832733154296875,`+
		`"sizes":{"16/16":54253,"16/24":256,"24/24":65},"max_group":8,"full_groups":3938,`+
		`"digest":"0x8b123f9ad177a7bb"}`+"\n", out)

	code, out, errs = clitest.Run(run, string(realtable.POWER9), "-json", "-")
	require.Zero(t, code, errs)
	require.EqualValues(t, 3, decode(t, out)["format"])
}

func TestForAPerson(t *testing.T) {
	code, out, errs := clitest.Run(run, string(realtable.POWER9), "-")
	require.Zero(t, code, errs)
	require.Equal(t, `raw image
format 3, order 20: 8192 groups of 8
    33802 of 65536 slots hold an entry, 51.6 %
       65 bolted
       55 in their secondary group
    33481 pages of 64K in segments of 64K pages
      256 pages of 16M in segments of 64K pages
       65 pages of 16M in segments of 16M pages
      173 groups full; the fullest has 8 entries
        0 duplicate pairs, 0 of them conflicting
        0 misplaced, 0 undecodable
digest 0x6a218d956dc51912
`, out)
}

func TestRecordedTables(t *testing.T) {
	dumps := oracle.Glob("dumps/*/hpt.bin.gz")
	if len(dumps) == 0 || testing.Short() {
		t.Skip("no recorded data, or no time for it")
	}
	for _, name := range dumps {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(name), "stats.json"))
		require.NoError(t, err)
		want := decode(t, string(b))
		code, out, errs := clitest.Run(run, "", "-json", name)
		require.Zero(t, code, errs)
		got := decode(t, out)
		for ours, recorded := range map[string]string{
			"format": "hpte_format", "order": "hpt_shift", "entries": "entries", "valid": "valid", "bolted": "bolted",
			"secondary": "secondary", "duplicates": "duplicates", "misplaced": "group_check_bad",
			"sizes": "sizes_base_actual", "max_group": "max_group", "full_groups": "full_groups",
		} {
			require.Equal(t, want[recorded], got[ours], "%s of %s", ours, name)
		}
		require.InDelta(t, want["load_factor"], got["load"], 5e-6)
	}
}

// TestDamage plants a duplicate and a misplaced entry in a real table, and writes
// it to a file, packed or not.
func TestDamage(t *testing.T) {
	table, err := realtable.LoadPOWER8(hpt.Config{})
	require.NoError(t, err)
	var victim pte.Slot
	for s, h := range table.All() {
		k, _, err := table.Sizes().Key(h, s.Group(), table.Mask())
		require.NoError(t, err)
		if table.Candidates(k.Hash().Secondary(table.Mask()), 0) != 0 && !h.Secondary() {
			h.R ^= 1 << 30 // another real page
			h.V |= pte.VSecondary
			_, err := table.InsertGroup(k.Hash().Secondary(table.Mask()), h)
			require.NoError(t, err)
			victim = s
			break
		}
	}
	var wrong pte.Slot
	for s := range pte.Slot(table.Slots()) {
		if h := table.Load(victim); !table.Load(s).Valid() && s.Group()&0x7f != victim.Group()&0x7f {
			table.StoreRaw(s, h)
			wrong = s
			break
		}
	}
	var image bytes.Buffer
	_, err = table.WriteTo(&image)
	require.NoError(t, err)
	raw := image.Bytes()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(raw)
	require.NoError(t, err)
	require.NoError(t, z.Close())

	for name, content := range map[string][]byte{"raw": raw, "packed": packed.Bytes()} {
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, content, 0o644))
		code, out, errs := clitest.Run(run, "", "-json", file)
		require.Equal(t, 1, code)
		r := decode(t, out)
		require.EqualValues(t, 2, r["format"])
		require.EqualValues(t, 1, r["duplicates"])
		require.EqualValues(t, 1, r["conflicts"])
		require.EqualValues(t, 1, r["misplaced"])
		require.Contains(t, errs, "conflicting")
		require.Contains(t, errs, fmt.Sprintf("misplaced entry: slot %d,", wrong))
		require.Contains(t, errs, fmt.Sprint(victim))
	}
}

func TestBadUsage(t *testing.T) {
	for name, c := range map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"no file":         {"", nil, "want FILE, have 0"},
		"two files":       {"", []string{"a", "b"}, "want FILE, have 2"},
		"unknown flag":    {"", []string{"-nope", "a"}, "-nope"},
		"unknown format":  {"", []string{"-format", "4", "-"}, "2 and 3"},
		"format 0":        {"", []string{"-format", "0", "-"}, "2 and 3"},
		"LPID alone":      {"", []string{"-lpid", "1", "-"}, "-ptcr"},
		"LPID too large":  {"", []string{"-ptcr", "0", "-lpid", "4294967296", "-"}, "32 bits"},
		"VSID and SLB":    {"", []string{"-vsid", "0", "-slb", "a", "-"}, "one of -vsid and -slb"},
		"no such file":    {"", []string{filepath.Join("testdata", "nope")}, "no such file"},
		"a folder":        {"", []string{"."}, "directory"},
		"empty":           {"", []string{"-"}, "0 bytes"},
		"cut short":       {string(make([]byte, 1<<18-1)), []string{"-"}, "262143 bytes"},
		"no power of two": {string(make([]byte, 3<<18)), []string{"-json", "-"}, "786432 bytes"},
		"too small":       {string(make([]byte, 1<<17)), []string{"-"}, "131072 bytes"},
		"packed, cut":     {string(realtable.POWER8[:1000]), []string{"-"}, "unexpected EOF"},
		"packed, no head": {"\x1f\x8b", []string{"-"}, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			clitest.Refuses(t, run, c.want, c.stdin, c.args...)
		})
	}
}

// TestPicture: a square a group, full ones white, bolted ones green.
func TestPicture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "htab.png")
	code, _, errs := clitest.Run(run, string(realtable.POWER8), "-png", file, "-")
	require.Zero(t, code, errs)
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	p, err := png.Decode(f)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 512+32, 256+32+80), p.Bounds())

	table, err := realtable.LoadPOWER8(hpt.Config{})
	require.NoError(t, err)
	bolted := map[uint64]bool{}
	for s, h := range table.All() {
		bolted[s.Group()] = bolted[s.Group()] || h.Bolted()
	}
	white, green, wantGreen := 0, 0, 0
	for g, b := range bolted {
		if b {
			wantGreen++
		}
		switch c := color.RGBAModel.Convert(p.At(16+int(g)%128*4, 16+int(g)/128*4)).(color.RGBA); {
		case c == color.RGBA{255, 255, 255, 255}:
			white++
		case c.R == 0 && c.G > 0:
			green++
		}
	}
	require.Equal(t, wantGreen, green)
	require.Positive(t, white)
	require.LessOrEqual(t, white, 3938, "full groups")

	clitest.Refuses(t, run, "such", string(realtable.POWER8), "-png", filepath.Join(file, "no", "such"), "-")
}

// TestFormatFlag: a format that is asked for is used, fit or not.
func TestFormatFlag(t *testing.T) {
	code, out, errs := clitest.Run(run, string(realtable.POWER9), "-json", "-format", "2", "-")
	require.Equal(t, 1, code)
	require.EqualValues(t, 2, decode(t, out)["format"])
	require.Contains(t, errs, "misplaced")
}
