package mm

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// Countermeasures are changes to the kernel that close, each of them, some of
// the paths on which a page can get a second hash table entry. No Linux has any
// of them but as told. The zero value is the unchanged kernel.
type Countermeasures struct {
	// FlushAtCommit flushes the batch before a PTE is set whose old entry waits
	// there (set_pte_at, ptep_modify_prot_commit). Linux 2.6.20 did so where the old
	// PTE was still present.
	FlushAtCommit bool
	// CarryHashBits keeps HASHPTE and the slot of the old value in a PTE that is
	// mapped again while its entry waits in the batch. hash_page then updates that
	// entry in place. The flush takes it away all the same, after which the slot is
	// a stale hint, as after an eviction: the update misses and a new entry is made.
	CarryHashBits bool
	// LeaveLazyBeforeUnlock leaves lazy MMU mode wherever a walk drops the PTE page
	// lock to split a large folio, and enters it again with the lock.
	LeaveLazyBeforeUnlock bool
	// RefuseQueued has hash_page enter no page that waits in a batch, of whatever
	// CPU: the fault is taken again until that is flushed.
	RefuseQueued bool
	// InsertUnique searches both groups for the page before an entry is made, as
	// one operation (hpt.Table.InsertUnique). Where it finds one the fault is taken
	// again until that is gone.
	InsertUnique bool

	_ struct{}
}

// each calls f for every countermeasure.
func (m *Countermeasures) each(f func(name string, on *bool)) {
	f("flush-at-commit", &m.FlushAtCommit)
	f("carry-hash-bits", &m.CarryHashBits)
	f("leave-lazy-before-unlock", &m.LeaveLazyBeforeUnlock)
	f("refuse-queued", &m.RefuseQueued)
	f("insert-unique", &m.InsertUnique)
}

// String joins the names of those in force with "+"; "none" if none is.
func (m Countermeasures) String() string {
	var names []string
	m.each(func(name string, on *bool) {
		if *on {
			names = append(names, name)
		}
	})
	if names == nil {
		return "none"
	}
	return strings.Join(names, "+")
}

// AllCountermeasures lists every countermeasure by itself.
func AllCountermeasures() []Countermeasures {
	var all []Countermeasures
	new(Countermeasures).each(func(name string, _ *bool) {
		one, _ := ParseCountermeasures(name)
		all = append(all, one)
	})
	return all
}

// ParseCountermeasures reads what String writes.
func ParseCountermeasures(s string) (Countermeasures, error) {
	var out Countermeasures
	if s == "none" {
		return out, nil
	}
	for _, want := range strings.Split(s, "+") {
		var names []string
		found := false
		out.each(func(name string, on *bool) {
			names = append(names, name)
			if name == want {
				*on, found = true, true
			}
		})
		if !found {
			return Countermeasures{}, fmt.Errorf("mm: unknown countermeasure %q; none or some of %s joined by +", want, strings.Join(names, " "))
		}
	}
	return out, nil
}

// flushQueued flushes the CPU's batch if it holds an entry of the page, or of a 4K
// piece of it.
func (c *CPU) flushQueued(context uint64, k pte.Key) {
	space, refs := c.batch.Pending()
	if space != context {
		return
	}
	unit := c.m.pageShift - pte.VPNShift
	for i := len(refs) - 1; i >= 0; i-- { // the last one added is the likeliest
		if q := refs[i].Key; q.VSID == k.VSID && q.Seg == k.Seg && (q.Page^k.Page)>>unit == 0 {
			c.batch.Commit()
			return
		}
	}
}

// queuedPages is the set of pages in the batches of all CPUs, with how often they
// are there, for RefuseQueued.
//
// A page is put in after its PTE was changed and taken out after its entry and
// what TLBs had of it are gone. hash_page looks after it has set BUSY. What it
// then has to see was put in before the PTE was set that it found, by the CPU
// that set it or by one that held the PTE page lock before that, so the PTE
// carries the order. What is put in later waits for BUSY to be clear.
type queuedPages struct {
	mu    sync.Mutex
	pages map[pte.Key]int // protected by mu
}

func (q *queuedPages) add(k pte.Key, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pages[k] += n; q.pages[k] == 0 {
		delete(q.pages, k)
	}
}

func (q *queuedPages) has(k pte.Key) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pages[k] > 0
}

// queuedLoc is whether the page of a key is in a batch. With 64K base pages a 4K
// piece is another key than the page that it begins.
func queuedLoc(as *AddressSpace, k pte.Key) Loc {
	return Loc{LocQueued, uint64(k.Base)<<58 ^ page{as: as, ea: as.address(k)}.id()}
}

// queue records that an entry of the page of ea goes into the CPU's batch.
func (c *CPU) queue(as *AddressSpace, ea pte.EA, k pte.Key) {
	c.step(StepQueue, ea, queuedLoc(as, k), TouchWrite)
	c.m.queued.add(k, 1)
}

// unqueue records that entries have gone.
func (c *CPU) unqueue(as *AddressSpace, refs []pte.Ref) {
	for i := range refs {
		k := refs[i].Key
		c.step(StepUnqueue, as.address(k), queuedLoc(as, k), TouchWrite)
		c.m.queued.add(k, -1)
	}
}

// errOlderEntry ends a hash fault that must be taken again when an older entry of
// the page has gone.
var errOlderEntry = errors.New("mm: an older entry of the page is still there")

// refuse reports whether the page may not be entered yet. What the CPU itself has
// in its batch it flushes, as nobody else would. BUSY is set.
func (h *hash) refuse(c *CPU, p page, k pte.Key) bool {
	if !h.m.counter.RefuseQueued && !h.m.counter.InsertUnique {
		return false
	}
	c.flushQueued(p.as.context, k)
	if h.m.queued == nil {
		return false
	}
	c.step(StepQueued, p.ea, queuedLoc(p.as, k), TouchRead)
	queued := h.m.queued.has(k)
	c.saw(b2u(queued))
	return queued
}

// insertUnique enters the translation unless the page has one.
func (h *hash) insertUnique(c *CPU, p page, k pte.Key, e pte.HPTE, first bool) (hint pte.SlotHint, err error) {
	for err == nil {
		h.underBusy(c, StepInsert, p, k, first)
		hint, err = h.table.InsertUnique(k, e)
		c.saw(uint64(hint)<<1 | b2u(err == nil))
		if !errors.Is(err, hpt.ErrGroupFull) {
			break
		}
		first = false
		err = h.evict(c, p, k)
	}
	if errors.Is(err, hpt.ErrExists) || errors.Is(err, hpt.ErrBusy) {
		err = errOlderEntry
	}
	return hint, err
}

// awaitNoOlder waits before a fault is taken again that errOlderEntry ended.
func (h *hash) awaitNoOlder(c *CPU, p page, k pte.Key) {
	switch {
	case c.stepper == nil:
		runtime.Gosched()
	case h.m.queued != nil:
		c.await(StepRefused, p.ea, func() bool { return !h.m.queued.has(k) }, Touch{queuedLoc(p.as, k), TouchRead})
	default:
		// Gone, or another CPU was quicker: then the PTE tells of that one's entry.
		gone := func() bool {
			n, _ := h.Valid(k)
			return n == 0 || h.m.kernel.Layout.Hint(p.load()).Hashed()
		}
		c.await(StepRefused, p.ea, gone, Touch{h.groups(k), TouchRead}, Touch{p.hashBits(), TouchRead})
	}
}
