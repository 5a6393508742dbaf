package pte_test

import (
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/pte"
)

// TestInlining pins what must not cost a call: the hot path of every lookup.
func TestInlining(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	out, err := exec.Command(goTool, "build", "-gcflags=-m", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	can := map[string]bool{}
	for _, m := range regexp.MustCompile(`can inline (\S+)`).FindAllStringSubmatch(string(out), -1) {
		can[m[1]] = true
	}
	for _, f := range []string{
		"MakeKey", "Key.Hash", "Key.AVPN", "Key.VPN", "Key.Offset",
		"Hash.Primary", "Hash.Secondary", "Hash.Group",
		"HPTE.Valid", "HPTE.Bolted", "HPTE.Secondary", "HPTE.Match", "HPTE.RA", "HPTE.To3", "From3",
		"MakeSlotHint", "SlotHint.Slot", "SlotHint.Hashed",
		"(*Layout).Hint", "(*Layout).None", "(*Layout).HPTEFlags",
		"PageSize.Bytes", "SegSize.Shift",
	} {
		require.True(t, can[f], "%s is no longer inlined", f)
	}
}

// TestNoAllocs: values stay values.
func TestNoAllocs(t *testing.T) {
	var sink uint64
	require.Zero(t, testing.AllocsPerRun(100, func() {
		vsid := pte.VSID61.VSID(7, 0x7fff12345000, pte.Seg1T)
		k := pte.MakeKey(vsid, 0x7fff12345000, pte.Seg1T, pte.Page64K)
		h, _ := power7.Encode(k, 0x10000, pte.Page64K, pte.Attr{PP: 2})
		hint := pte.MakeSlotHint(false, 3)
		slot := hint.Slot(k.Hash(), 1<<17-1)
		back, _, _ := power7.Key(h, slot.Group(), 1<<17-1)
		actual, _ := power7.Actual(k.Base, h)
		three := h.To3()
		p := pte.Linux61.WithHint(pte.Linux61.Make(h.RA(actual), pte.Read), hint)
		sink += uint64(back.Page) + pte.From3(three.V, three.R).R + uint64(pte.Linux61.Attr(p).PP) + pte.VSID61.Unscramble(vsid, pte.Seg1T)
		_, _ = h.Permits(true), h.Match(k, false)
	}))
	require.NotZero(t, sink)
}
