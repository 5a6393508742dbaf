package mm

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/pte"
)

// small is a space of 4K pages.
var small = &AddressSpace{m: &Machine{pageShift: pte.VPNShift, pageSize: pageSize}}

// TestIntervals compares the interval tree with a list.
func TestIntervals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tree intervals
		var list []*VMA
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				n := rapid.Uint64Range(1, 12).Draw(t, "pages")
				v := &VMA{as: small, Range: Pages(0, n), Offset: rapid.Uint64Range(0, 40).Draw(t, "offset")}
				tree.insert(v)
				list = append(list, v)
			},
			"remove": func(t *rapid.T) {
				if len(list) == 0 {
					t.Skip("empty")
				}
				i := rapid.IntRange(0, len(list)-1).Draw(t, "which")
				tree.remove(list[i])
				tree.remove(&VMA{as: small, Range: Pages(0, 1)}) // not there
				list = append(list[:i], list[i+1:]...)
			},
			"": func(t *rapid.T) {
				first := rapid.Uint64Range(0, 55).Draw(t, "first")
				last := rapid.SampledFrom([]uint64{first, first + 3, ^uint64(0)}).Draw(t, "last")
				var want, got []*VMA
				for _, v := range list {
					if v.Offset <= last && v.Offset+v.pages()-1 >= first {
						want = append(want, v)
					}
				}
				tree.overlapping(first, last, func(v *VMA) bool { got = append(got, v); return true })
				slices.SortStableFunc(want, func(a, b *VMA) int { return cmp.Compare(a.Offset, b.Offset) })
				require.Len(t, got, len(want))
				for i := range want {
					require.Same(t, want[i], got[i], "in order")
				}
				stop := rapid.IntRange(1, 4).Draw(t, "stop")
				n := 0
				tree.overlapping(first, last, func(*VMA) bool { n++; return n < stop })
				require.Equal(t, min(stop, len(want)), n)
			},
		})
	})
}

// TestCarve compares carving with a model that knows every page.
func TestCarve(t *testing.T) {
	type page struct {
		prot   pte.Access
		offset uint64
	}
	paint := func(t require.TestingT, m map[pte.EA]page, vmas []*VMA) {
		for _, v := range vmas {
			for ea := v.Start; ea < v.End; ea += pageSize {
				_, twice := m[ea]
				require.False(t, twice)
				m[ea] = page{v.Prot, v.index(ea)}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var vmas []*VMA
		at := uint64(rapid.IntRange(0, 3).Draw(t, "start"))
		for range rapid.IntRange(0, 5).Draw(t, "vmas") {
			n := rapid.Uint64Range(1, 6).Draw(t, "pages")
			vmas = append(vmas, &VMA{as: small, Range: Pages(pte.EA(at)*pageSize, n), Prot: pte.Read, Offset: at * 7})
			at += n + rapid.Uint64Range(0, 2).Draw(t, "gap")
		}
		r := Pages(pte.EA(rapid.IntRange(0, 20).Draw(t, "first"))*pageSize, rapid.Uint64Range(1, 12).Draw(t, "n"))
		var old []*VMA
		want := make(map[pte.EA]page)
		for _, v := range vmas {
			if !v.intersect(r).empty() {
				old = append(old, v)
			}
		}
		paint(t, want, old)
		for ea, p := range want {
			if r.Contains(ea) {
				p.prot = pte.Read | pte.Write
				want[ea] = p
			}
		}
		inside, outside := carve(old, r, func(v *VMA) { v.Prot |= pte.Write })
		got := make(map[pte.EA]page)
		paint(t, got, inside)
		paint(t, got, outside)
		require.Equal(t, want, got)
		for _, v := range old {
			require.Equal(t, pte.Read, v.Prot, "a VMA is never changed")
		}
		hole := r.Start
		for _, v := range inside {
			if v.Start > hole {
				break
			}
			hole = v.End
		}
		require.Equal(t, hole >= r.End, covered(old, r))
	})
}

// TestSpan: the part of a VMA that maps file pages, page by page.
func TestSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &VMA{as: small, Range: Pages(0x10000, rapid.Uint64Range(1, 10).Draw(t, "pages")), Offset: rapid.Uint64Range(0, 10).Draw(t, "offset")}
		first := rapid.Uint64Range(0, v.Offset+v.pages()-1).Draw(t, "first")
		n := rapid.Uint64Range(0, 30).Draw(t, "n")
		last := lastPage(first, n)
		if last < v.Offset {
			t.Skip("no overlap")
		}
		r := v.span(first, last)
		for ea := v.Start; ea < v.End; ea += pageSize {
			require.Equal(t, v.index(ea) >= first && (n == 0 || v.index(ea) < first+n), r.Contains(ea))
		}
	})
	require.Equal(t, ^uint64(0), lastPage(5, 0))
	require.Equal(t, ^uint64(0), lastPage(5, ^uint64(0)), "beyond the end of any file")
	require.Equal(t, uint64(5), lastPage(5, 1))
}
