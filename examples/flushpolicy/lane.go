package main

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// figures is what one policy came to, as -json prints it.
type figures struct {
	File       string  `json:"file"`
	Policy     string  `json:"policy"`
	Inserts    uint64  `json:"inserts"`
	Protects   uint64  `json:"protects"`
	Removals   uint64  `json:"removals"`
	Evictions  uint64  `json:"evictions"`
	Operations uint64  `json:"operations"`
	Flushes    uint64  `json:"flushes"`
	PerFlush   float64 `json:"entries_per_flush"`
	Largest    int     `json:"largest"`
	Full       uint64  `json:"full"`
	Hypercalls uint64  `json:"hypercalls"`
	TLBIEs     uint64  `json:"tlbies"`
	TLBSyncs   uint64  `json:"tlbsyncs"`
	Exposed    uint64  `json:"exposed"`
	Delay      float64 `json:"delay"`
}

// lane is the recorded workload under one policy, on a table of its own.
type lane struct {
	batch *batch.Batch
	table *hpt.Table
	calls *papr.HPT
	f     figures

	within bool   // in an operation
	at     page   // where it is
	queued uint64 // entries pending when a lock was dropped last, if still so
	waited uint64 // updates that entries were pending for, all together
	err    error  // a flush that did not find its entries
}

// page is what one PTE page lock covers.
type page struct {
	space  uint64
	number pte.VPN
}

func newLane(p batch.Policy) *lane {
	l := &lane{f: figures{Policy: p.String()}}
	l.batch = batch.New(l, batch.Config{Policy: p})
	return l
}

// close ends the work on the table in force.
func (l *lane) close() {
	l.finish()
	if l.table != nil {
		_ = l.table.Close() // its memory goes, or is collected later
	}
	l.table = nil
}

// Flush implements batch.Flusher.
func (l *lane) Flush(_ uint64, refs []pte.Ref, _ batch.Scope) {
	n := len(refs)
	if removed := l.table.InvalidateBatch(refs); removed != n && l.err == nil {
		l.err = fmt.Errorf("%w: a flush of %d entries found %d", errDiffers, n, removed)
	}
	l.f.Largest = max(l.f.Largest, n)
	l.f.Hypercalls += uint64(n+3) / 4
	l.f.TLBIEs += uint64(n)
	l.f.TLBSyncs++
	l.queued = 0
}

// The shift of a page-table page's range by base page size, as Linux 6.1 has
// it: 512 entries for 4K pages, 256 for 64K pages; a 16M page has its own lock.
func lockShift(base pte.PageSize) pte.PageSize {
	switch base {
	case pte.Page4K:
		return 21
	case pte.Page64K:
		return 24
	}
	return base
}

// space is the context that a page belongs to.
func space(k pte.Key) uint64 {
	context, _ := pte.VSID61.Context(pte.VSID61.Unscramble(k.VSID, k.Seg), k.Seg)
	return context
}

// queue is one removal: the kernel has cleared the page's PTE.
func (l *lane) queue(slot uint64) error {
	if slot >= l.table.Slots() {
		return fmt.Errorf("%w: slot %#x removed", errDiffers, slot)
	}
	s := pte.Slot(slot)
	h := l.table.Load(s)
	key, actual, err := l.table.Sizes().Key(h, s.Group(), l.table.Mask())
	if !h.Valid() || err != nil {
		return fmt.Errorf("%w: slot %#x removed, it holds %v", errDiffers, slot, h)
	}
	l.lock(page{space(key), key.VPN() >> (lockShift(key.Base) - pte.VPNShift)})
	l.waited += uint64(l.batch.Len())
	l.f.Removals++
	l.batch.Add(l.at.space, pte.Ref{
		Key: key, Actual: actual, Hint: pte.MakeSlotHint(h.Secondary(), int(s%pte.SlotsPerGroup)),
	}, batch.Global)
	return l.err
}

// lock goes to a page-table page, and begins or ends operations as need be.
func (l *lane) lock(p page) {
	if l.within && l.at == p {
		return
	}
	if l.within && l.at.space != p.space {
		l.finish()
	}
	l.unlock()
	if !l.within {
		l.within = true
		l.f.Operations++
	}
	l.at = p
	l.batch.EnterLazy()
}

// unlock drops the lock of the page-table page.
func (l *lane) unlock() {
	if !l.within {
		return
	}
	l.batch.LeaveLazy()
	l.batch.BeforeUnlock()
	pending := uint64(l.batch.Len())
	l.f.Exposed += pending - min(pending, l.queued)
	l.queued = pending
}

// finish ends the operation.
func (l *lane) finish() {
	l.unlock()
	l.batch.Finish()
	l.within, l.queued = false, 0
}

// enter is H_ENTER: the operation before has ended, so the table is what it was,
// and the entry must get the recorded slot.
func (l *lane) enter(flags papr.Flags, ptex uint64, h pte.HPTE, slot uint64) error {
	l.finish()
	s, code := l.calls.Enter(flags, ptex, h)
	if code != papr.Success || uint64(s) != slot {
		return fmt.Errorf("%w: H_ENTER answers %v, slot %#x, recorded %#x", errDiffers, code, uint64(s), slot)
	}
	l.f.Inserts++
	return l.err
}

// protect is H_PROTECT, which invalidates at once.
func (l *lane) protect(flags papr.Flags, ptex, avpn uint64) error {
	l.finish()
	if code := l.calls.Protect(flags, ptex, avpn); code != papr.Success {
		return fmt.Errorf("%w: H_PROTECT answers %v", errDiffers, code)
	}
	l.f.Protects++
	l.f.TLBIEs++
	l.f.TLBSyncs++
	return l.err
}

// remove is H_REMOVE. With AndCond it makes room in a group and invalidates at
// once; else it is the flush of a single entry.
func (l *lane) remove(flags papr.Flags, ptex, avpn uint64) error {
	if flags&papr.AndCond == 0 {
		return l.queue(ptex)
	}
	l.finish()
	if _, code := l.calls.Remove(flags, ptex, avpn); code != papr.Success {
		return fmt.Errorf("%w: H_REMOVE answers %v", errDiffers, code)
	}
	l.f.Evictions++
	l.f.Hypercalls++
	l.f.TLBIEs++
	l.f.TLBSyncs++
	return l.err
}

// result ends the workload.
func (l *lane) result() (figures, error) {
	if l.table == nil {
		return figures{}, errors.New("no table in it")
	}
	l.close()
	stats := l.batch.Stats()
	l.f.Flushes = stats.Events()
	l.f.Full = stats.Flushes[batch.OnFull]
	if l.f.Flushes > 0 {
		l.f.PerFlush = float64(stats.Flushed) / float64(l.f.Flushes)
		l.f.Delay = float64(l.waited) / float64(stats.Flushed)
	}
	return l.f, l.err
}
