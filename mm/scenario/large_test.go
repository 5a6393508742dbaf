package scenario

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
)

// otherSlot has hash_page enter a page in another slot than it had, while the page
// is taken away: whoever pairs a PTE of now with a second half of the past flushes
// the wrong slot.
var otherSlot = &Scenario{
	Name:    "other-slot",
	Summary: "unmap_mapping_range against the load that enters the page, in another slot than before",
	Expect:  always(Proved),
	Tasks:   []Task{unmapping(0, 1), loading(0)},
	Vary: []Variant{{Name: "present, not hashed", Before: func(s *Stage, c *mm.CPU) {
		_, err := c.Load(s.Space, s.EA(0))
		allow(err)
		_, err = c.Protect(context.Background(), s.Space, s.page(0), pte.Read) // takes the entry away
		allow(err)
		t := s.Machine.Table()
		k := pte.Key{VSID: pte.VSID(0x500000*t.Groups() | s.Space.Key(s.EA(0)).Hash().Primary(t.Mask())), Base: pte.Page4K}
		e, err := t.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{Bolted: true})
		allow(err)
		_, err = t.Insert(k, e) // and this one has its slot
		allow(err)
	}}},
}

// TestScenariosOf64K: with 64K base pages the verdicts are those of 4K pages.
func TestScenariosOf64K(t *testing.T) {
	for _, sc := range []*Scenario{Founding, Mprotect, StaleHole, OutsideLazy, Munmap, DontNeed, OverflowRest, TwoPages, Evicted, otherSlot} {
		if testing.Short() && sc != Founding && sc != otherSlot {
			continue
		}
		for _, k := range []*mm.Kernel{mm.Linux2620With64K, mm.Linux61With64K} {
			for _, p := range policies() {
				t.Run(sc.Name+"/"+k.Name+"/"+p.String(), func(t *testing.T) {
					res, err := Run(context.Background(), sc, Config{Kernel: k, Policy: p}, explore.Config{})
					require.NoError(t, err)
					require.Equal(t, sc.Expect(k, p), res.Verdict, "%v", res.Report)
				})
			}
		}
	}
}

// TestMixesOf64K proves mixes with second halves.
func TestMixesOf64K(t *testing.T) {
	for _, b := range small {
		if testing.Short() && b != small[0] {
			continue
		}
		for _, k := range []*mm.Kernel{mm.Linux2620With64K, mm.Linux61With64K} {
			cfg := Config{Kernel: k, Policy: batch.LazyMMU(), NoTLB: true, MergeSteps: true}
			res, err := Run(context.Background(), Mix(b[0], b[1], b[2]), cfg, explore.Config{})
			require.NoError(t, err)
			require.Equal(t, Proved, res.Verdict, "%v", res.Report)
			t.Logf("%s: %v", k.Name, res.Report)
		}
	}
}

// TestPathsOf64K: the guest of the experiment had base pages of 64K. Every path of
// Linux 6.1 comes to the same verdict with them.
func TestPathsOf64K(t *testing.T) {
	for _, p := range Paths() {
		in := p.InKernel(mm.Linux61)
		if in == nil || testing.Short() && p.Name != "mprotect-raise" && p.Name != "munmap" {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			large := *in
			large.Kernel = mm.Linux61With64K
			res, err := RunPath(context.Background(), p, &large, Config{}, explore.Config{})
			require.NoError(t, err)
			require.Equal(t, in.Verdict, res.Verdict, "%v", res.Report)
			require.Equal(t, in.FramesDiffer, res.FramesDiffer)
		})
	}
}
