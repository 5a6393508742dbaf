package scenario

import (
	"context"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// copyPaths take pages along to another address or another address space.
var copyPaths = []*Path{
	{
		Name:    "fork",
		Trigger: "a store by another thread of the parent",
		Scenarios: []*Scenario{
			race("fork", Scenario{Anonymous: true, Vary: []Variant{anonymous}, Remaps: true, Drops: true, Others: inChild}, forking, storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/memory.c:copy_pte_range"},
				Predicted: LooksSafe, Why: "ptep_set_wrprotect keeps HASHPTE, so hash_page updates the old entry",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/memory.c:copy_pte_range"},
				Predicted: LooksClosed, Why: "ptep_set_wrprotect keeps HASHPTE, so hash_page updates the old entry",
				Measured: Measured{Count: "10,613 rounds"},
				Verdict:  Proved,
			},
		},
	},
	{
		Name:    "mremap",
		Trigger: "a store by another thread at the old address, and a load at the new one",
		Scenarios: []*Scenario{
			race("mremap", Scenario{Vary: []Variant{readOnly, clean}, Remaps: true, Drops: true, Others: moved}, remapping, storing(0)),
			race("mremap-load", Scenario{Vary: []Variant{clean}, Remaps: true, Drops: true, Others: moved}, remapping, loadingMoved),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/mremap.c:move_ptes"},
				Predicted: LooksSafe, Why: "ptep_clear_flush flushes before the page is mapped anew, at an address that had nothing",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/mremap.c:move_ptes"},
				Predicted: LooksClosed, Why: "old and new address are different pages to the hash table, and both PTE page locks are held until the flush",
				Measured: Measured{Count: "18,254 rounds"},
				Verdict:  Proved,
			},
		},
	},
}

// child is the space that a stage forks into.
func (st *Stage) child() *mm.AddressSpace { return st.Machine.Space(st.Space.Context() + 1) }

// inChild makes the child; its pages are at the addresses of the stage's.
func inChild(s *Stage) []mm.PageOf {
	child := s.Machine.NewAddressSpace(s.Space.Context() + 1)
	var out []mm.PageOf
	for _, p := range s.pages {
		out = append(out, mm.PageOf{Space: child, EA: p.EA})
	}
	return out
}

var forking = Task{Name: "fork", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.Fork(context.Background(), s.Space, s.child())
	allow(err)
}}

// newAddress is where page 0 of a stage moves to.
func (st *Stage) newAddress() pte.EA { return st.EA(0) + ownPTEPage<<st.shift }

func moved(s *Stage) []mm.PageOf { return []mm.PageOf{{Space: s.Space, EA: s.newAddress()}} }

var remapping = Task{Name: "mremap", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.Remap(context.Background(), s.Space, s.all(), s.newAddress())
	allow(err)
}}

var loadingMoved = Task{Name: "load", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.Load(s.Space, s.newAddress())
	allow(err, outOfReach...)
}}
