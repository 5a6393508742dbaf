//go:build explore

package hpt

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/tiny"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
)

// program is what the CPUs of a scenario do, in words: operations separated by
// commas, one string per CPU. Pages are letters; a to z have group 0 as their
// primary group, A to Z group 1. Places of a hint are 0 to 3 for the two primary
// and the two secondary slots, or own for where the CPU's last insert went.
//
//	insert a      Insert               mark a@0     MarkAccess, a store
//	bolt a        Insert, bolted       protect a@0  Protect, read-only
//	unique a      InsertUnique         lookup a     Lookup
//	invalidate a@0  Invalidate         evict 0      Evict from group 0
//	remove a      InvalidateKey        swap a@0     CompareAndSwap that bolts what Load found
type program struct {
	name   string
	start  string   // done before the CPUs begin
	cpus   []string // what each does
	single string   // pages of which there must never be two valid entries (H3)
	wins   bool     // at least one InsertUnique of page a succeeds
	keeps  bool     // exactly one valid entry of page a is left
	loose  bool     // new entries come before old ones go: a miss may be wrong
	calls  bool     // check that every history is linearizable

	overflow bool // the table keeps its overflow bitmap
	locked   bool // and takes locks for unique inserts

	native, striped effort

	naming  naming
	unique  func(*stage, pte.Key, pte.HPTE) (pte.SlotHint, error) // another InsertUnique, for mutants
	instead map[string]onSlot                                     // by verb: another operation on a slot, for mutants
}

// onSlot is an operation on the slot that a hint names, or on slot 0.
type onSlot = func(s *stage, k pte.Key, slot pte.Slot) (pte.HPTE, error)

// operation is one word of a program.
type operation struct {
	verb  string
	page  byte
	place int      // of a hint; own is -1
	entry pte.HPTE // for inserts: every one has an R of its own
	group uint64   // for evict
}

const own = -1

// result is what an operation said. For inserts, removals and lookups slot is
// where; for hints it is the slot that the hint named.
type result struct {
	slot pte.Slot
	old  pte.HPTE
	err  error
}

// hinted says that the operation is on one slot only.
func (o *operation) hinted() bool {
	switch o.verb {
	case "invalidate", "mark", "protect", "swap":
		return true
	}
	return false
}

func pageKey(page byte) pte.Key {
	if page >= 'a' {
		return tinyKey(int(page - 'a'))
	}
	k := tinyKey(int(page - 'A'))
	k.VSID |= 0x11
	return k
}

// pageEntry maps a page to real page (letter, n).
func pageEntry(page byte, n int, a pte.Attr) pte.HPTE {
	h, err := defaultSizes.Encode(pageKey(page), pte.RA(page)<<20|pte.RA(n)<<12, pte.Page4K, a)
	if err != nil {
		panic(err)
	}
	return h
}

// pageOf is the page that R of an entry was made for.
func pageOf(h pte.HPTE) byte { return byte(h.R >> 20) }

func parse(text string, cpu int) (ops []operation) {
	if text == "" {
		return nil
	}
	for n, word := range strings.Split(text, ", ") {
		verb, arg, _ := strings.Cut(word, " ")
		o := operation{verb: verb, page: arg[0]}
		a := pte.Attr{PP: pte.PPUserRW, Bolted: verb == "bolt"}
		switch _, at, hinted := strings.Cut(arg, "@"); {
		case verb == "evict":
			o.group = uint64(arg[0] - '0')
		case hinted && at == "own":
			o.place = own
		case hinted:
			o.place = int(at[0] - '0')
		default:
			o.entry = pageEntry(o.page, 16*cpu+n, a)
		}
		ops = append(ops, o)
	}
	return ops
}

// do runs an operation. last is where the CPU's last insert went.
func (s *stage) do(p *program, o *operation, last *pte.Slot) (r result) {
	k := pageKey(o.page)
	ref := pte.Ref{Key: k, Hint: pte.MakeSlotHint(o.place >= stageSlots/2, o.place%(stageSlots/2))}
	if o.place == own {
		ref.Hint = pte.MakeSlotHint(s.secondary(int(*last), k), int(uint64(*last)%s.perGroup))
	}
	place := func(h pte.SlotHint) pte.Slot {
		slot, _ := s.at(k, h)
		return slot
	}
	r.slot = place(ref.Hint)
	if f := p.instead[o.verb]; f != nil {
		r.old, r.err = f(s, k, r.slot)
		return r
	}
	var hint pte.SlotHint
	var ok bool
	switch o.verb {
	case "insert", "bolt":
		hint, r.err = s.Insert(k, o.entry)
		r.slot, *last = place(hint), place(hint)
	case "unique":
		if p.unique != nil {
			hint, r.err = p.unique(s, k, o.entry)
		} else {
			hint, r.err = s.InsertUnique(k, o.entry)
		}
		r.slot, *last = place(hint), place(hint)
	case "invalidate":
		r.old, ok = s.Invalidate(ref)
		r.err = found(ok)
	case "remove":
		r.old, hint, ok = s.InvalidateKey(k)
		r.slot, r.err = place(hint), found(ok)
	case "lookup":
		r.old, hint, ok = s.Lookup(k)
		r.slot, r.err = place(hint), found(ok)
	case "mark":
		r.err = s.MarkAccess(ref, pte.Write)
	case "protect":
		r.err = s.Protect(ref, pte.Attr{PP: pte.PPRead})
	case "swap":
		r.old = s.Load(r.slot)
		bolted := r.old
		bolted.V |= pte.VBolted
		r.err = found(r.old.Match(k, ref.Hint.Secondary()) && s.CompareAndSwap(r.slot, r.old, bolted))
	case "evict":
		r.slot, r.old, r.err = s.Evict(o.group)
	default:
		panic("no operation " + o.verb)
	}
	if r.err != nil && !o.hinted() {
		r.slot, r.old = 0, pte.HPTE{}
	}
	return r
}

func found(ok bool) error {
	if ok {
		return nil
	}
	return ErrNotFound
}

// scenario makes the program explorable over one of the store protocols.
func (p program) scenario(native bool) explore.Scenario {
	programs := make([][]operation, len(p.cpus))
	operations, pages := 0, map[byte]bool{}
	for i, text := range p.cpus {
		programs[i] = parse(text, i)
		operations += len(programs[i])
		for _, o := range programs[i] {
			if o.verb != "evict" {
				pages[o.page] = true
			}
		}
	}
	return explore.Scenario{
		Name: p.name, Operations: operations, Pages: len(pages),
		Build: func(w *explore.World) {
			s := newStage(w, tiny.Config{Native: native, Overflow: p.overflow, LockUnique: p.locked}, p.naming, func(s *stage) {
				var last pte.Slot
				for _, o := range parse(p.start, len(p.cpus)) {
					if r := s.do(&program{}, &o, &last); r.err != nil {
						panic(fmt.Sprintf("%s: %s %c: %v", p.name, o.verb, o.page, r.err))
					}
				}
			})
			p.cast(s, programs)
		},
	}
}

// cast adds invariants and CPUs.
func (p program) cast(s *stage, programs [][]operation) {
	for _, page := range []byte(p.single) {
		s.atMostOne(string(page), pageKey(page))
	}
	for i := range stageSlots {
		s.world.Always(fmt.Sprintf("H1 and H2 in slot %d", i), func() error { return s.rightful(i) }, s.words[2*i], s.words[2*i+1])
	}
	s.noneTentative()
	results := make([][]result, len(programs))
	p.outcome(s, programs, results)
	var j *judge
	if p.calls {
		j = newJudge(s, programs, p.loose)
	}
	for i, ops := range programs {
		s.world.CPU(p.cpus[i], func(c *explore.CPU) {
			results[i] = results[i][:0]
			last := pte.Slot(0)
			for n := range ops {
				call := j.call(c, &ops[n])
				r := s.do(&p, &ops[n], &last)
				j.ret(c, call, r)
				results[i] = append(results[i], r)
				if c.Tracing() {
					c.Note(fmt.Sprintf("%s: slot %d, %v, error %v", strings.Split(p.cpus[i], ", ")[n], r.slot, r.old, r.err))
				}
			}
		})
	}
}

// rightful is H1, and that R was made for the same page as V: no pair in memory
// is torn, whoever reads it.
func (s *stage) rightful(slot int) error {
	h := s.raw(slot)
	if !h.Valid() {
		return nil
	}
	if k := pageKey(pageOf(h)); !h.Match(k, s.secondary(slot, k)) {
		return fmt.Errorf("%v does not belong there", h)
	}
	return nil
}

// outcome adds what holds of the inserts of page a when all are done.
func (p program) outcome(s *stage, programs [][]operation, results [][]result) {
	if p.wins {
		s.world.Finally("one InsertUnique succeeds", func() error {
			for i, ops := range programs {
				for n, o := range ops {
					if o.verb == "unique" && o.page == 'a' && results[i][n].err == nil {
						return nil
					}
				}
			}
			return fmt.Errorf("none did: %v", results)
		})
	}
	if p.keeps {
		s.world.Finally("one entry of a is left", func() error {
			if n := s.copies(pageKey('a')); n != 1 {
				return fmt.Errorf("there are %d", n)
			}
			return nil
		})
	}
}

// protocols are the two ways to change a slot.
var protocols = []struct {
	name   string
	native bool
}{{"native", true}, {"striped", false}}

// effort says how a program is explored over a protocol.
type effort int

const (
	quick   effort = iota // proved in every run
	long                  // proved, but not in short runs
	sampled               // too large to prove here: few preemptions, and random schedules
)

// explore does what the program's effort asks for.
func (p program) explore(t *testing.T, native bool) {
	t.Helper()
	e := p.striped
	if native {
		e = p.native
	}
	switch {
	case e == sampled:
		p.sample(t, native)
	case e == long && testing.Short():
		t.Skip("takes long")
	default:
		p.prove(t, native)
	}
}

// prove fails unless both algorithms prove the program.
func (p program) prove(t *testing.T, native bool) {
	t.Helper()
	dropHooks(t)
	r := explore.Check(replayable{t}, p.scenario(native), explore.Config{})
	if r.Verdict != explore.Replayed { // as EXPLORE_REPLAY asks
		require.Equal(t, explore.Proved, r.Verdict)
	}
}

// replayable makes the line that replays a failure right for this package: it
// needs the build tag, and names with special characters.
type replayable struct{ explore.T }

func (t replayable) Name() string {
	return strings.ReplaceAll(regexp.QuoteMeta(t.T.Name()), "/", "$/^")
}

func (t replayable) Fatalf(format string, args ...any) {
	t.Helper()
	t.T.Fatalf("%s", strings.Replace(fmt.Sprintf(format, args...), "go test -v", "go test -tags explore -v", 1))
}

// sample looks at every schedule with few preemptions and at random ones.
func (p program) sample(t *testing.T, native bool) {
	t.Helper()
	dropHooks(t)
	bound, runs := 2, int64(3000)
	if testing.Short() {
		bound, runs = 1, 300
	}
	explore.Check(replayable{t}, p.scenario(native), explore.Config{Algorithm: explore.PreemptionBound, Preemptions: bound})
	explore.Check(replayable{t}, p.scenario(native), explore.Config{Algorithm: explore.PCT, PCTDepth: 4, MaxExecutions: runs})
}
