package hpt_test

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"

	"github.com/anishathalye/porcupine"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// What is below records histories of every operation on the sixteen slots of one
// pair of groups, by real threads, and has porcupine look for an order that the
// sequential specification allows. LINEAR_OPS in the environment is how many
// operations each version of the table goes through; .ci/linear does millions.

// mixedStore is what the histories are made of.
type mixedStore interface {
	Insert(pte.Key, pte.HPTE) (pte.SlotHint, error)
	InsertUnique(pte.Key, pte.HPTE) (pte.SlotHint, error)
	InsertBatch([]pte.Key, []pte.HPTE, []pte.SlotHint) int
	Lookup(pte.Key) (pte.HPTE, pte.SlotHint, bool)
	LookupBatch([]pte.Key, []hpt.Found) int
	Protect(pte.Ref, pte.Attr) error
	MarkAccess(pte.Ref, pte.Access) error
	Invalidate(pte.Ref) (pte.HPTE, bool)
	InvalidateKey(pte.Key) (pte.HPTE, pte.SlotHint, bool)
	InvalidateBatch([]pte.Ref) int
	Evict(uint64) (pte.Slot, pte.HPTE, error)
}

type mixedKind int

const (
	mixedInsert mixedKind = iota
	mixedUnique
	mixedLookup
	mixedProtect
	mixedMark
	mixedRemove    // by hint
	mixedRemoveKey // by search
	mixedEvict
	mixedInsertBatch
	mixedLookupBatch
	mixedRemoveBatch
	mixedKinds
)

// The keys share a pair of groups. Those from plainKeys on are inserted by Insert
// and InsertBatch, so they can have several entries; the others by InsertUnique
// only. The last one's entries are bolted.
const (
	mixedKeys = 6
	plainKeys = 3
	boltedKey = mixedKeys - 1
)

type mixedOp struct {
	kind  mixedKind
	key   int
	place int // what the hint names, or -1: none
	entry pte.HPTE
	bits  uint64 // of R: what Protect puts in, what MarkAccess adds
}

type mixedResult struct {
	place int // -1: none
	entry pte.HPTE
	err   error
}

// mixedState is the slots: primary group, then secondary one.
type mixedState [2 * pte.SlotsPerGroup]pte.HPTE

const rProtected = pte.RPP0 | pte.RPP | pte.RN | pte.RKeyHi | pte.RKeyLo

// pairKey is a key whose primary and secondary groups are those of pair.
func pairKey(pair uint64, i int) pte.Key {
	return pte.Key{VSID: pte.VSID(uint64(i+1)<<20 | pair), Base: pte.Page4K}
}

// mixedSpec is the specification, of keys of one pair.
func mixedSpec(pair uint64, init mixedState) porcupine.Model {
	var avpn [mixedKeys]uint64
	for i := range avpn {
		avpn[i] = pairKey(pair, i).AVPN() | pte.VValid
	}
	holds := func(s *mixedState, place, key int) bool {
		want := avpn[key]
		if place >= pte.SlotsPerGroup {
			want |= pte.VSecondary
		}
		return (s[place].V^want)&pte.VMatch == 0
	}
	absent := func(s *mixedState, key int) bool {
		for place := range s {
			if holds(s, place, key) {
				return false
			}
		}
		return true
	}
	return porcupine.Model{
		Init: func() any { return init },
		Step: func(state, input, output any) (bool, any) {
			s, o, r := state.(mixedState), input.(mixedOp), output.(mixedResult)
			switch o.kind {
			case mixedInsert, mixedInsertBatch, mixedUnique:
				if errors.Is(r.err, hpt.ErrExists) {
					return o.kind == mixedUnique && !absent(&s, o.key), s
				}
				if r.err != nil {
					return errors.Is(r.err, hpt.ErrGroupFull) || o.kind == mixedUnique && errors.Is(r.err, hpt.ErrBusy), s
				}
				if s[r.place].Valid() || o.kind == mixedUnique && !absent(&s, o.key) {
					return false, s
				}
				if s[r.place] = o.entry; r.place >= pte.SlotsPerGroup {
					s[r.place].V |= pte.VSecondary
				}
				return true, s
			case mixedLookup, mixedLookupBatch, mixedRemoveKey:
				if r.place < 0 { // exact where no new entry comes before the old one goes
					return o.key >= plainKeys || absent(&s, o.key), s
				}
				if !holds(&s, r.place, o.key) || s[r.place] != r.entry {
					return false, s
				}
				if o.kind == mixedRemoveKey {
					s[r.place] = pte.HPTE{}
				}
				return true, s
			case mixedEvict:
				if r.err != nil {
					return errors.Is(r.err, hpt.ErrBolted), s
				}
				if s[r.place] != r.entry || !r.entry.Valid() || r.entry.Bolted() {
					return false, s
				}
				s[r.place] = pte.HPTE{}
				return true, s
			}
			// By hint: a stale one is an error and changes nothing.
			if live := o.place >= 0 && holds(&s, o.place, o.key); !live || r.err != nil {
				return !live && r.err != nil, s
			}
			switch old := &s[o.place]; o.kind {
			case mixedProtect:
				old.R = old.R&^rProtected | o.bits
			case mixedMark:
				old.R |= o.bits
			case mixedRemove:
				if *old != r.entry {
					return false, s
				}
				*old = pte.HPTE{}
			case mixedRemoveBatch: // does not say what it removed
				*old = pte.HPTE{}
			}
			return true, s
		},
	}
}

// withFinal adds the look at one slot of a table at rest: input its number, output
// what it holds. Where no valid entry is there may be anything but a tentative one.
func withFinal(m porcupine.Model) porcupine.Model {
	step := m.Step
	m.Step = func(state, input, output any) (bool, any) {
		i, ok := input.(int)
		if !ok {
			return step(state, input, output)
		}
		s, got := state.(mixedState), output.(pte.HPTE)
		return got == s[i] || !got.Valid() && !s[i].Valid() && got.V == 0, s
	}
	return m
}

// mixedClient is one thread of a history. What it will do is drawn beforehand, so
// that it does little else than operations while the others run.
type mixedClient struct {
	id    int
	store mixedStore
	pair  uint64
	clock *atomic.Int64
	rng   *rand.Rand
	hints [mixedKeys]pte.SlotHint // where it last saw each key
	calls []mixedCall
	rpn   uint64 // of the entry drawn last: no two entries are alike
}

// mixedCall is one call, and for a batch what its elements are.
type mixedCall struct {
	mixedOp
	forged   pte.SlotHint // a hint that nobody gave, instead of one that was given
	group    uint64
	live     int // which element of a batch of removals may be there
	elements []mixedOp
	keys     []pte.Key
	entries  []pte.HPTE
	refs     []pte.Ref
	hints    []pte.SlotHint
	found    []hpt.Found
	delay    int // turns of an empty loop before it

	result          mixedResult
	called, returns int64
}

// attr is what a Protect puts in.
func (o *mixedCall) attr() pte.Attr {
	a := pte.HPTE{R: o.bits}.Attr()
	return pte.Attr{PP: a.PP, NoExec: a.NoExec, Key: a.Key}
}

// draw draws the next call.
func (c *mixedClient) draw(mask uint64) (o mixedCall) {
	o.kind, o.key = mixedKind(c.rng.IntN(int(mixedKinds))), c.rng.IntN(mixedKeys)
	o.delay = c.rng.IntN(40)
	o.result.place = -1
	switch o.kind {
	case mixedUnique:
		o.key %= plainKeys
		o.entry = c.entry(o.key)
	case mixedInsert:
		o.key = plainKeys + o.key%(mixedKeys-plainKeys)
		o.entry = c.entry(o.key)
	case mixedProtect:
		o.bits = pte.HPTE{}.WithAttr(pte.Attr{PP: uint8(c.rng.IntN(8)), NoExec: c.rng.IntN(2) == 0, Key: uint8(c.rng.IntN(32))}).R
	case mixedMark:
		if o.bits = pte.RRef; c.rng.IntN(2) == 0 {
			o.bits |= pte.RChg
		}
	case mixedEvict:
		if o.group = c.pair; c.rng.IntN(2) == 0 {
			o.group = ^c.pair & mask
		}
	case mixedInsertBatch, mixedLookupBatch, mixedRemoveBatch:
		c.drawBatch(&o)
	}
	if c.rng.IntN(4) == 0 {
		o.forged = pte.MakeSlotHint(c.rng.IntN(2) == 0, c.rng.IntN(pte.SlotsPerGroup))
	}
	return o
}

// drawBatch draws a batch, sometimes long enough to be fetched ahead. Of a batch of
// removals one hint is of a key that may be there; the others never are, so that the
// count tells of that one.
func (c *mixedClient) drawBatch(o *mixedCall) {
	n := 1 + c.rng.IntN(3)
	if c.rng.IntN(4) == 0 && o.kind != mixedInsertBatch {
		n = 12
	}
	switch o.kind {
	case mixedInsertBatch:
		o.hints = make([]pte.SlotHint, n)
		for range n {
			key := plainKeys + c.rng.IntN(mixedKeys-plainKeys)
			h := c.entry(key)
			o.elements = append(o.elements, mixedOp{kind: o.kind, key: key, entry: h})
			o.keys, o.entries = append(o.keys, pairKey(c.pair, key)), append(o.entries, h)
		}
	case mixedLookupBatch:
		o.found = make([]hpt.Found, n)
		for i := range n {
			key := (o.key + i) % mixedKeys
			o.elements = append(o.elements, mixedOp{kind: o.kind, key: key})
			o.keys = append(o.keys, pairKey(c.pair, key))
		}
	case mixedRemoveBatch:
		o.live = c.rng.IntN(n)
		for i := range n {
			o.refs = append(o.refs, pte.Ref{Key: pairKey(c.pair, mixedKeys+i), Hint: pte.MakeSlotHint(i%2 == 0, i%8)})
		}
	}
}

// entry makes an entry unlike every other one.
func (c *mixedClient) entry(key int) pte.HPTE {
	c.rpn++
	h := pte.HPTE{V: pairKey(c.pair, key).AVPN() | pte.VValid, R: c.rpn<<16 | uint64(c.id)<<12}
	if key == boltedKey {
		h.V |= pte.VBolted
	}
	return h
}

// place numbers the slots of a key, primary ones first; -1 is none.
func place(h pte.SlotHint) int {
	switch {
	case !h.Hashed():
		return -1
	case h.Secondary():
		return pte.SlotsPerGroup + h.Index()
	}
	return h.Index()
}

// A meeting is where threads wait for each other before each call: calls are far
// shorter than what the host takes to start a thread, so they would not overlap.
type meeting struct {
	threads int32
	made    atomic.Int32 // calls of all threads
}

// guest is a thread in it.
type guest struct {
	*meeting
	own      int32 // calls of this thread
	patience int   // how often it looks for the others in all: the host may run something else
}

func (g *guest) wait() {
	g.made.Add(1)
	g.own++
	for g.made.Load() < g.own*g.threads && g.patience > 0 {
		g.patience--
	}
}

// run makes all calls.
func (c *mixedClient) run(g *guest) {
	for i := range c.calls {
		g.wait()
		for range c.calls[i].delay {
			g.made.Load()
		}
		c.one(i)
	}
}

// one makes one of the calls, with the hint that was last seen or a forged one.
func (c *mixedClient) one(i int) {
	o := &c.calls[i]
	ref := pte.Ref{Key: pairKey(c.pair, o.key), Hint: c.hints[o.key]}
	if o.forged.Hashed() {
		ref.Hint = o.forged
	}
	o.place = place(ref.Hint)
	if o.kind == mixedRemoveBatch {
		o.refs[o.live] = ref
	}
	if hint := c.call(o, ref); hint.Hashed() {
		c.hints[o.key] = hint
	}
}

// call makes one call, and returns where it saw its key.
func (c *mixedClient) call(o *mixedCall, ref pte.Ref) (hint pte.SlotHint) {
	r, a := &o.result, pte.Access(pte.Read)
	if o.bits&pte.RChg != 0 {
		a = pte.Write
	}
	protect := o.attr()
	ok := true
	o.called = c.clock.Add(1)
	switch o.kind {
	case mixedInsert:
		hint, r.err = c.store.Insert(ref.Key, o.entry)
	case mixedUnique:
		hint, r.err = c.store.InsertUnique(ref.Key, o.entry)
	case mixedLookup:
		r.entry, hint, _ = c.store.Lookup(ref.Key)
	case mixedRemoveKey:
		r.entry, hint, _ = c.store.InvalidateKey(ref.Key)
	case mixedProtect:
		r.err = c.store.Protect(ref, protect)
	case mixedMark:
		r.err = c.store.MarkAccess(ref, a)
	case mixedRemove:
		r.entry, ok = c.store.Invalidate(ref)
	case mixedRemoveBatch:
		ok = c.store.InvalidateBatch(o.refs) != 0
	case mixedEvict:
		var s pte.Slot
		s, r.entry, r.err = c.store.Evict(o.group)
		r.place = s.Index()
	case mixedInsertBatch:
		c.store.InsertBatch(o.keys, o.entries, o.hints)
	case mixedLookupBatch:
		c.store.LookupBatch(o.keys, o.found)
	}
	o.returns = c.clock.Add(1)
	if !ok {
		r.err = hpt.ErrNotFound
	}
	if o.kind != mixedEvict {
		r.place = place(hint)
	} else if o.group != c.pair {
		r.place += pte.SlotsPerGroup
	}
	return hint
}

// history is what was done: the elements of a batch are operations of their own,
// all between its call and its return.
func (c *mixedClient) history() (ops []porcupine.Operation) {
	for i := range c.calls {
		o := &c.calls[i]
		add := func(in mixedOp, out mixedResult) {
			ops = append(ops, porcupine.Operation{ClientId: c.id, Input: in, Call: o.called, Output: out, Return: o.returns})
		}
		switch o.kind {
		case mixedInsertBatch:
			for i, in := range o.elements {
				r := mixedResult{place: place(o.hints[i])}
				if r.place < 0 {
					r.err = hpt.ErrGroupFull
				}
				add(in, r)
			}
		case mixedLookupBatch:
			for i, in := range o.elements {
				add(in, mixedResult{place: place(o.found[i].Hint), entry: o.found[i].Entry})
			}
		default:
			add(o.mixedOp, o.result)
		}
	}
	return ops
}
