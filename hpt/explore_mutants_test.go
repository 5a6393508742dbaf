//go:build explore

package hpt

import (
	"context"
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
)

// The ways to insert uniquely that were tried and do not work, each over the
// same slot primitives as InsertUnique, and a claim word, which does work and lets
// a stalled CPU block a key.

type uniqueInsert = func(*stage, pte.Key, pte.HPTE) (pte.SlotHint, error)

// searchThenInsert (D1) looks first. Two CPUs may both find nothing.
func searchThenInsert(s *stage, k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	if _, _, ok := s.Lookup(k); ok {
		return 0, ErrExists
	}
	return s.Insert(k, h)
}

// insertThenSearch (D2) takes its valid entry back when it finds another. By
// then both were valid.
func insertThenSearch(s *stage, k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	hint, err := s.Insert(k, h)
	if err != nil {
		return 0, err
	}
	mine, _ := s.at(k, hint)
	u := s.unique(k, sched.Unique(s.tags))
	for place := range stageSlots {
		if u.slot(place) != mine && u.exists(place, s.LoadRaw(u.slot(place))) {
			s.Invalidate(pte.Ref{Key: k, Hint: hint})
			return 0, ErrExists
		}
	}
	return hint, nil
}

// attempt is a call that has its tentative entry in the table.
type attempt struct {
	*stage
	uniqueCall
	own int
	h   pte.HPTE
}

// begin publishes a tentative entry.
func (s *stage) begin(u uniqueCall, h pte.HPTE) (*attempt, error) {
	own, err := u.publish()
	return &attempt{s, u, own, h}, err
}

// withdraw takes the tentative entry back.
func (a *attempt) withdraw(err error) (pte.SlotHint, error) {
	a.CompareAndSwapRaw(a.slot(a.own), a.tentative(a.own), pte.HPTE{})
	return 0, err
}

// promote makes the tentative entry raw at a place valid.
func (a *attempt) promote(place int, raw pte.HPTE) bool {
	h := a.h
	if a.secondary(place) == 1 {
		h.V |= pte.VSecondary
	}
	return a.CompareAndSwapRaw(a.slot(place), raw, h)
}

func (a *attempt) finish() (pte.SlotHint, error) {
	if !a.promote(a.own, a.tentative(a.own)) {
		return 0, ErrBusy
	}
	return a.hint(), nil
}

func (a *attempt) hint() pte.SlotHint {
	return pte.MakeSlotHint(a.secondary(a.own) == 1, int(uint64(a.own)%a.t.perGroup))
}

func (a *attempt) slot(place int) pte.Slot { return a.uniqueCall.slot(place) }
func (a *attempt) secondary(place int) int { return a.uniqueCall.secondary(place) }
func (a *attempt) load(place int) pte.HPTE { return a.LoadRaw(a.slot(place)) }
func (a *attempt) replace(place int, old, h pte.HPTE) bool {
	return a.CompareAndSwapRaw(a.slot(place), old, h)
}

// giveWayToAll (D3) withdraws before every other tentative entry. Two CPUs may
// both withdraw.
func giveWayToAll(s *stage, k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	a, err := s.begin(s.unique(k, sched.Unique(s.tags)), h)
	if err != nil {
		return 0, err
	}
	for place := range stageSlots {
		raw := a.load(place)
		switch {
		case place == a.own:
		case a.exists(place, raw):
			return a.withdraw(ErrExists)
		case a.rival(place, raw):
			return a.withdraw(ErrBusy)
		}
	}
	return a.finish()
}

// untagged (D4) is InsertUnique with equal tags: a CPU takes another one's
// tentative entry for its own.
func untagged(s *stage, k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	u := s.unique(k, sched.Unique(s.tags))
	u.tag = 0
	a, err := s.begin(u, h)
	if err != nil {
		return 0, err
	}
	if err := a.contend(a.own); err != nil {
		return a.withdraw(err)
	}
	return a.finish()
}

// claimWord (D6) holds one word for all keys while it searches and inserts.
func claimWord(s *stage, k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	if !sched.CompareAndSwapUint64(s.tags, 0, 1) {
		return 0, ErrBusy
	}
	defer sched.StoreUint64(s.tags, 0)
	return searchThenInsert(s, k, h)
}

// helping (D7) finishes a lower tentative entry instead of giving way to it.
// Where a CPU uses its tag again, by perCPU naming, the helper that comes late
// finishes a later call, which has not looked around yet. Where every call has a
// tag of its own (D8), none was found to fail.
func helping(s *stage, k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	a, err := s.begin(s.unique(k, sched.Unique(s.tags)), h)
	if err != nil {
		return 0, err
	}
	for place := 0; place < stageSlots; {
		raw := a.load(place)
		switch {
		case place == a.own:
		case a.exists(place, raw):
			return a.withdraw(ErrExists)
		case !a.rival(place, raw):
		case place < a.own && a.help(place, raw):
			return a.withdraw(ErrExists)
		case place < a.own:
			return a.withdraw(ErrBusy)
		case !a.replace(place, raw, pte.HPTE{}):
			continue // look again
		}
		place++
	}
	if a.promote(a.own, a.tentative(a.own)) || a.exists(a.own, a.load(a.own)) {
		return a.hint(), nil
	}
	return 0, ErrBusy
}

// help does for the tentative entry raw at a place what its owner would do.
func (a *attempt) help(at int, raw pte.HPTE) bool {
	for place := 0; place < stageSlots; {
		other := a.load(place)
		switch {
		case place == at:
		case a.exists(place, other):
			a.replace(at, raw, pte.HPTE{})
			return false
		case !a.rival(place, other):
		case place < at:
			return false
		case !a.replace(place, other, pte.HPTE{}):
			continue // look again
		}
		place++
	}
	return a.promote(at, raw)
}

// Scenarios of the mutants.
var (
	race      = program{name: "U || U", cpus: []string{"unique a", "unique a"}, single: "a", wins: true, keeps: true}
	freedDown = program{name: "U || FU || U", start: "insert b", cpus: []string{"unique a", "invalidate b@0, unique a", "unique a"},
		single: "a", wins: true, keeps: true}
	lateHelp = program{name: "UVU || U || U, half full", start: "insert b, insert B", single: "a",
		cpus: []string{"unique a, invalidate a@own, unique a", "unique a", "unique a"}}
	oneHelper = program{name: "URU || U, half full", start: "insert b, insert B", single: "a",
		cpus: []string{"unique a, remove a, unique a", "unique a"}}
)

const (
	twoValid = "H3: at most one valid entry of a"
	noneWins = "one InsertUnique succeeds"
)

var designs = []struct {
	name   string
	insert uniqueInsert
	program
	naming naming
	killer string // the invariant that fails; empty where the design is right
}{
	{"D1 search then insert", searchThenInsert, race, perCall, twoValid},
	{"D2 insert then search", insertThenSearch, race, perCall, twoValid},
	{"D3 give way to all", giveWayToAll, race, perCall, noneWins},
	{"D4 no tag", untagged, freedDown, perCall, twoValid},
	{"D6 claim word", claimWord, race, counter, ""},
	{"D6 claim word", claimWord, freedDown, counter, ""},
	{"D7 helping", helping, oneHelper, perCPU, ""}, // two CPUs do not suffice
	{"D8 helping, calls numbered", helping, oneHelper, perCall, ""},
}

// TestExploreDesigns: the explorer kills every design that is known to be wrong
// and proves the others. That it proves InsertUnique on the same programs is
// TestExploreUnique.
func TestExploreDesigns(t *testing.T) {
	for _, d := range designs {
		t.Run(d.name+"/"+d.program.name, func(t *testing.T) {
			p := d.program
			p.unique, p.naming = d.insert, d.naming
			if d.killer == "" {
				p.prove(t, true)
				return
			}
			p.killed(t, true, explore.Config{}, d.killer)
		})
	}
}

// lateHelper is what source-DPOR finds in execution 313,232 of lateHelp, made
// simpler: CPU 1 sees the first tentative entry of CPU 0, removes its own, and
// comes back when CPU 0 is at its second insert and CPU 2 has one in between.
const lateHelper = "0*10 1*14 0*2 2*2 0*6 2*10 0*5 1*1"

// TestExploreLateHelp: three CPUs kill helping (D7), and numbered calls (D8) are
// safe from that schedule. InsertUnique is sampled on this program, and proved on
// smaller ones.
func TestExploreLateHelp(t *testing.T) {
	schedule, err := explore.ParseSchedule(lateHelper)
	require.NoError(t, err)
	p := lateHelp
	p.unique, p.naming = helping, perCPU
	p.killed(t, true, explore.Config{Replay: schedule}, twoValid)
	if !testing.Short() {
		p.killed(t, true, explore.Config{Algorithm: explore.SourceDPOR}, twoValid)
	}
	p.naming = perCall
	r, err := explore.Run(context.Background(), p.scenario(true), explore.Config{Replay: schedule})
	require.NoError(t, err)
	require.Equal(t, explore.Replayed, r.Verdict, "%s", r)
	lateHelp.sample(t, true)
}

// recorder is a test that fails on paper.
type recorder struct {
	*testing.T
	text string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.text = fmt.Sprintf(format, args...)
	panic(r)
}

// TestExploreReplays: what a failing exploration prints runs the failing schedule
// again.
func TestExploreReplays(t *testing.T) {
	dropHooks(t)
	p := race
	p.unique = searchThenInsert
	r := &recorder{T: t}
	require.Panics(t, func() { explore.Check(replayable{r}, p.scenario(false), explore.Config{}) })
	line := regexp.MustCompile(`replay with EXPLORE_REPLAY='([^']*)' go test -tags explore -v -run '\^TestExploreReplays\$'`)
	m := line.FindStringSubmatch(r.text)
	require.Len(t, m, 2, "%s", r.text)
	schedule, err := explore.ParseSchedule(m[1])
	require.NoError(t, err)
	p.killed(t, false, explore.Config{Replay: schedule}, twoValid)
}

// killed explores a program that is wrong, and fails unless the invariant says so.
func (p program) killed(t *testing.T, native bool, c explore.Config, killer string) {
	t.Helper()
	dropHooks(t)
	r, err := explore.Run(context.Background(), p.scenario(native), c)
	require.NoError(t, err)
	require.Equal(t, explore.Failed, r.Verdict, "%s", r)
	require.Equal(t, killer, r.Failure.Name, "%s", r)
	t.Logf("killed in execution %d by %q: %s", r.Failure.Execution, killer, r.Failure.Schedule)
}

// reread takes V, R and V again.
func reread(s *stage, k pte.Key, slot pte.Slot) (pte.HPTE, error) {
	v, r := rereadLoad(&s.slots[slot], func() {})
	return hit(k, pte.HPTE{V: v, R: r})
}

// loadOnce is what reread tries to be.
func loadOnce(s *stage, k pte.Key, slot pte.Slot) (pte.HPTE, error) { return hit(k, s.LoadRaw(slot)) }

// hit is the answer of a lookup in the primary group.
func hit(k pte.Key, h pte.HPTE) (pte.HPTE, error) {
	if !h.Match(k, false) {
		return pte.HPTE{}, ErrNotFound
	}
	return h, nil
}

// storeAccess records an access in whatever the slot holds by then.
func storeAccess(s *stage, k pte.Key, slot pte.Slot) (pte.HPTE, error) {
	h, err := loadOnce(s, k, slot)
	if err == nil {
		h.R |= pte.RRef | pte.RChg
		s.StoreRaw(slot, h)
	}
	return pte.HPTE{}, err
}

// clearSlot returns what it saw before it cleared the slot.
func clearSlot(s *stage, k pte.Key, slot pte.Slot) (pte.HPTE, error) {
	h, err := loadOnce(s, k, slot)
	if err == nil {
		s.StoreRaw(slot, pte.HPTE{})
	}
	return h, err
}

// trustHint clears the slot without looking whose entry it holds.
func trustHint(s *stage, _ pte.Key, slot pte.Slot) (pte.HPTE, error) {
	return s.swapRaw(slot, pte.HPTE{}), nil
}

var slotMutants = []struct {
	name, verb string
	op         onSlot
	program    program
	right      bool
}{
	// What fools a reader that looks at V twice: a page leaves its slot and
	// returns while the reader is there (H2).
	{"rereading V", "lookup", reread, backAgain, false},
	{"one load", "lookup", loadOnce, backAgain, true},
	{"access by a store, removal", "mark", storeAccess, program{start: "insert a", cpus: []string{"mark a@0", "remove a"}}, false},
	{"access by a store, protection", "mark", storeAccess, program{start: "insert a", cpus: []string{"mark a@0", "protect a@0, lookup a"}}, false},
	{"removal by a store", "invalidate", clearSlot, program{start: "insert a", cpus: []string{"mark a@0", "invalidate a@0"}}, false},
	{"trusted hint", "invalidate", trustHint, program{start: "insert a", cpus: []string{"invalidate a@0", "remove a, insert b"}}, false},
}

var backAgain = program{start: "insert a", cpus: []string{"invalidate a@0, insert b, invalidate b@0, insert a", "lookup a"}, striped: long}

// TestExploreSlotMutants: torn pairs, lost C bits, inexact old pairs and changes
// by stale hints (H2, H5, H6, H7) make histories that no order explains.
func TestExploreSlotMutants(t *testing.T) {
	for _, m := range slotMutants {
		for _, protocol := range protocols {
			p := m.program
			p.name, p.calls, p.instead = m.name, true, map[string]onSlot{m.verb: m.op}
			t.Run(m.name+"/"+protocol.name, func(t *testing.T) {
				if m.right {
					p.explore(t, protocol.native)
				} else {
					p.killed(t, protocol.native, explore.Config{}, "linearizable")
				}
			})
		}
	}
}
