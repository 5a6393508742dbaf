package mm

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
)

// TestHashBits: which primitive keeps the hash bits, and which queues the entry
// (facts of both kernels).
func TestHashBits(t *testing.T) {
	for _, k := range Kernels() {
		l := k.Layout
		for name, c := range map[string]struct {
			run    func(c *CPU, p page)
			keeps  bool
			queues bool
		}{
			"ptep_get_and_clear":    {func(c *CPU, p page) { c.getAndClear(p) }, false, true},
			"ptep_set_access_flags": {func(c *CPU, p page) { c.setAccessFlags(p, l.Dirty) }, true, false},
			"ptep_set_wrprotect":    {func(c *CPU, p page) { c.update(StepPTEUpdate, p, l.Write, 0) }, true, true},
			"set_pte_at":            {func(c *CPU, p page) { c.set(p, p.load()) }, false, k.SetPTEFlushes},
			"modify_prot":           {func(c *CPU, p page) { c.modifyProt(p, func(old pte.LinuxPTE) pte.LinuxPTE { return old }) }, false, true},
		} {
			t.Run(k.Name+"/"+name, func(t *testing.T) {
				m, as, _ := testMachine(t, Config{Kernel: k, Policy: batch.AtFinish()})
				cpu, p := m.CPU(0), as.make(testEA)
				old := l.WithHint(l.Make(frameBase, pte.Read|pte.Write)|l.Accessed, pte.MakeSlotHint(true, 5))
				p.entry.Store(uint64(old))
				cpu.lock(p.table.ptl, 0)
				c.run(cpu, p)
				cpu.unlock(p.table.ptl, 0)
				queued := cpu.batch.Stats().Added
				want := pte.SlotHint(0)
				if c.keeps {
					want = l.Hint(old)
				}
				require.Equal(t, want, l.Hint(p.load()))
				require.Equal(t, c.queues, queued > 0)
				cpu.finish()
			})
		}
	}
}

// TestModifyProtWindow: between start and commit a 6.1 PTE is present to the
// kernel and not to hash_page, a 2.6.20 PTE is none.
func TestModifyProtWindow(t *testing.T) {
	for _, k := range Kernels() {
		l := k.Layout
		m, as, _ := testMachine(t, Config{Kernel: k, Policy: batch.AtFinish()})
		c, p := m.CPU(0), as.make(testEA)
		p.entry.Store(uint64(l.Make(frameBase, pte.Read)))
		c.lock(p.table.ptl, 0)
		c.modifyProt(p, func(old pte.LinuxPTE) pte.LinuxPTE {
			require.Equal(t, k.ModifyProt, l.IsPresent(p.load()))
			require.Zero(t, l.Granted(p.load()))
			require.Equal(t, frameBase, l.RA(old))
			return l.WithAccess(old&^l.Invalid|l.Present, pte.Read|pte.Write)
		})
		c.unlock(p.table.ptl, 0)
		require.Equal(t, pte.Read|pte.Write, l.Granted(p.load()))
		c.finish()
	}
}

// TestPageTable compares the tree of every kernel with a map, and that addresses
// beyond it are not folded back into it.
func TestPageTable(t *testing.T) {
	for _, k := range AllKernels() {
		t.Run(k.Name, func(t *testing.T) { testPageTable(t, k) })
	}
}

func testPageTable(t *testing.T, k *Kernel) {
	rapid.Check(t, func(t *rapid.T) {
		tree := newPGD(k)
		pages := make(map[pte.EA]*ptePage)
		ea := rapid.Custom(func(t *rapid.T) pte.EA {
			at := func(name string, lo, hi uint) pte.EA {
				return pte.EA(rapid.SampledFrom([]int{0, 1, 1<<(hi-lo) - 1}).Draw(t, name)&(1<<(hi-lo)-1)) << lo
			}
			return at("pgd", tree.pgd, tree.end) | at("pud", tree.pud, tree.pgd) | at("pmd", tree.pmd, tree.pud) | at("pte", tree.pte, tree.pmd)
		})
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				a := ea.Draw(t, "ea")
				p := tree.alloc(a, tree.newPTEs)
				if old := pages[a>>tree.pmd]; old != nil {
					require.Same(t, old, p)
				}
				pages[a>>tree.pmd] = p
			},
			"": func(t *rapid.T) {
				a := ea.Draw(t, "ea")
				p, span := tree.seek(a)
				require.True(t, p == pages[a>>tree.pmd])
				require.True(t, p == tree.lookup(a))
				for i := range pages {
					if p == nil {
						require.NotEqual(t, a/span, i<<tree.pmd/span, "no PTE page within the span")
					}
				}
				seen := make(map[pte.EA]*ptePage)
				tree.each(func(first pte.EA, p *ptePage) { seen[first>>tree.pmd] = p })
				require.Equal(t, pages, seen)
			},
		})
	})
	m, as, _ := testMachine(t, Config{Kernel: k})
	require.NoError(t, m.CPU(0).Map(as, VMA{Range: k.Pages(testEA, 1), Prot: pte.Read | pte.Write}))
	require.NoError(t, m.CPU(0).Store(as, testEA, 5))
	require.Zero(t, as.PTE(testEA+MaxEA))
}
