package scenario

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutant is a mistake in the protocol that keeps page tables and hash table in
// step, made in the source itself. Nothing of it is in the library.
type mutant struct {
	name     string
	scenario string // kills it; a path where there is no policy
	policy   string // under which the scenario is proved otherwise
	kernel   string // "": 6.1
	edits    []edit
}

// edit replaces a piece of a file that occurs once.
type edit struct{ file, old, new string }

// clearsAll has the explorer know that a mutant's last store to a PTE may bring
// back more than hash bits.
var clearsAll = edit{"mm/hash64k.go", "		c.step(StepClearBusy, p.ea, p.hashBits(), TouchWrite)\n	}\n",
	"		c.step(StepClearBusy, p.ea, p.hashBits(), TouchWrite)\n		c.touch(p.loc(), TouchWrite)\n	}\n"}

var mutants = []mutant{
	{"no BUSY wait", "founding", "before-unlock", "", []edit{
		{"mm/ptep.go", "	c.awaitNotBusy(s, p)\n",
			"	c.await(s, p.ea, nil, Touch{p.loc(), TouchWrite}, Touch{p.hashBits(), TouchWrite})\n"},
		{"mm/ptep.go", "if old&c.m.kernel.Layout.Busy != 0 {", "if c.stepper == nil {"},
		clearsAll,
	}},
	{"PTE published before insert", "founding", "before-unlock", "", []edit{
		{"mm/hash.go", "	hint := l.RealHint(r)\n	attr", "	hint := l.RealHint(r)\n" +
			"	c.step(StepClearBusy, p.ea, p.hashBits(), TouchWrite)\n" +
			"	p.entry.Store(uint64(l.WithHint(next, hint) &^ l.Busy))\n	attr"},
		clearsAll,
	}},
	{"HASHPTE ignored", "founding", "lazy-mmu", "", []edit{
		{"mm/hash.go", "	hint := l.RealHint(r)\n	attr", "	hint := pte.SlotHint(0)\n	attr"},
	}},
	{"flush after unlock", "founding", "lazy-mmu", "", []edit{
		{"mm/zap.go", "	c.batch.LeaveLazy()\n	c.unlockPTEs(t, ea)\n", "	c.unlockPTEs(t, ea)\n	c.batch.LeaveLazy()\n"},
	}},
	{"hint not re-checked", "evicted", "lazy-mmu", "", []edit{
		{"hpt/change.go", "if !n.matches(old) {", "if _ = n; !old.Valid() {"},
	}},
	{"batch not flushed on size change", "size-change", "at-finish", "", []edit{
		{"batch/batch.go", "	case first.Key.Seg != r.Key.Seg:\n		return OnOtherSegment\n", ""},
		// A batch of Linux has one size for all.
		{"batch/batch.go", "	b.refs = append(b.refs, r)\n",
			"	if len(b.refs) > 0 {\n		r.Key.Seg = b.refs[0].Key.Seg\n	}\n	b.refs = append(b.refs, r)\n"},
	}},
	{"PTE stored before its second half", "other-slot", "lazy-mmu", "6.1-64k", []edit{
		{"mm/hash64k.go", "		c.step(StepStoreHidx, p.ea, p.secondHalf(), TouchWrite)\n		p.second.Store(r.Hidx)\n",
			"		defer func() { c.step(StepStoreHidx, p.ea, p.secondHalf(), TouchWrite); p.second.Store(r.Hidx) }()\n"},
	}},
	{"second half read before the PTE", "other-slot", "lazy-mmu", "6.1-64k", []edit{
		{"mm/ptep.go", "	old := c.change(s, p, clr, set)\n",
			"	c.step(StepReadHidx, p.ea, p.secondHalf(), TouchRead)\n	early := p.hidx()\n	old := c.change(s, p, clr, set)\n	earlyHidx[c] = early\n"},
		{"mm/ptep.go", "import \"github.com/hashmmu/ppc64/pte\"\n", "import \"github.com/hashmmu/ppc64/pte\"\n\nvar earlyHidx = map[*CPU]uint64{}\n"},
		{"mm/hash64k.go", "	c.step(StepReadHidx, p.ea, p.secondHalf(), TouchRead)\n	r := pte.RealPTE{PTE: old, Hidx: p.hidx()}\n", "	r := pte.RealPTE{PTE: old, Hidx: earlyHidx[c]}\n"},
	}},
	{"collapse does not wait for hash_page", "thp-collapse", "", "6.1-64k", []edit{
		{"mm/thp.go", "	c.serializeWalks(as)\n", ""},
	}},
	{"PMD changed without a flush", "thp-split", "", "6.1-64k", []edit{
		{"mm/thp.go", "	c.m.backend.(hugeBackend).flushHuge(c, p, old)\n", ""},
	}},
	{"TLB flush skipped on a miss", "evicted", "lazy-mmu", "", []edit{
		{"mm/hash.go", "		h.table.Invalidate(refs[i])\n",
			"		if _, found := h.table.Invalidate(refs[i]); !found {\n			refs[i].Key.Page ^= 1 << 20\n		}\n"},
	}},
}

// TestMutants builds every mutant and has the scenario that is named for it
// notice. The same run of the library as it is passes.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the library once a mutant")
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			out, err := m.run(t, root, false)
			require.NoError(t, err, "the library as it is: %s", out)
			out, err = m.run(t, root, true)
			require.Error(t, err, "survived")
			require.Contains(t, out, "--- FAIL: "+strings.Join(m.test(), "/"), "not built, or another failure")
			require.NotContains(t, out, "undeclared write")
			require.NotContains(t, out, "not deterministic")
			t.Log(reason(out))
		})
	}
}

// test is the name of the test that kills the mutant, by its parts.
func (m *mutant) test() []string {
	if m.kernel == "" {
		return []string{"TestScenarios", m.scenario, "6.1", m.policy}
	}
	if m.policy == "" {
		return []string{"TestPaths", m.scenario, m.kernel}
	}
	return []string{"TestScenariosOf64K", m.scenario, m.kernel, m.policy}
}

// run explores the mutant's scenario, with the mistake or without.
func (m *mutant) run(t *testing.T, root string, broken bool) (string, error) {
	args := []string{"test", "-count=1", "-v", "-run", "^" + strings.Join(m.test(), "$/^") + "$"}
	if broken {
		args = append(args, "-overlay", m.overlay(t, root))
	}
	cmd := exec.Command("go", append(args, "./mm/scenario")...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// overlay has the compiler read the mutant's files in place of the library's.
func (m *mutant) overlay(t *testing.T, root string) string {
	text := make(map[string]string)
	for _, e := range m.edits {
		name := filepath.Join(root, filepath.FromSlash(e.file))
		if text[name] == "" {
			source, err := os.ReadFile(name)
			require.NoError(t, err)
			text[name] = string(source)
		}
		require.Equal(t, 1, strings.Count(text[name], e.old), "%s has changed: %q", e.file, e.old)
		text[name] = strings.Replace(text[name], e.old, e.new, 1)
	}
	dir, replace := t.TempDir(), make(map[string]string)
	for name, source := range text {
		replace[name] = filepath.Join(dir, filepath.Base(name))
		require.NoError(t, os.WriteFile(replace[name], []byte(source), 0o600))
	}
	list := filepath.Join(dir, "overlay.json")
	content, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(list, content, 0o600))
	return list
}

// reason is the line of the report that says what went wrong.
func reason(out string) string {
	for _, l := range strings.Split(out, "\n") {
		if strings.Contains(l, "failed in execution") || strings.Contains(l, "scenario: ") {
			return strings.TrimSpace(l)
		}
	}
	return out
}
