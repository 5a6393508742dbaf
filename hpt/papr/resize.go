package papr

import "github.com/hashmmu/ppc64/hpt"

// ResizePrepare is H_RESIZE_HPT_PREPARE: it makes an empty pending table of
// 1<<shift bytes, unless there is one of that size, and drops one of another size.
// shift 0 only drops. The table is configured as the one in force, but has memory of
// its own.
//
// Codes: LongBusy (Config.Ready says not yet), Authority, Parameter (flags, shift
// not 0 or 18 to 46), Resource (larger than MaxOrder), NoMemory (the host has none
// for it: the error is the [*hpt.ConfigError]; the table in force stays as it is, and
// there is no pending table).
func (h *HPT) ResizePrepare(flags Flags, shift int32) (Code, error) {
	h.resize.Lock()
	defer h.resize.Unlock()
	order := int(shift)
	code := h.resizeArgs(flags, order)
	if code == Authority || code != Success && h.cfg.Quirks.ResizeArgsFirst {
		return code, nil
	}
	if h.pending != nil && (code != Success || h.pending.Order() != order) {
		h.dropPending()
	}
	if code != Success || order == 0 {
		return code, nil
	}
	if h.pending == nil {
		c := h.Table().Config()
		c.Order, c.Memory = order, nil
		t, err := hpt.New(c)
		if err != nil {
			return NoMemory, err
		}
		h.pending = t
	}
	if !h.ready() {
		return LongBusy, nil
	}
	return Success, nil
}

// resizeArgs checks what PREPARE may be asked for.
func (h *HPT) resizeArgs(flags Flags, order int) Code {
	switch {
	case h.cfg.NoResize:
		return Authority
	case flags != 0 || order != 0 && (order < hpt.MinOrder || order > hpt.MaxOrder):
		return Parameter
	case order > h.cfg.MaxOrder:
		return Resource
	}
	return Success
}

// ready reports whether the pending table is prepared.
func (h *HPT) ready() bool { return h.cfg.Ready == nil || h.cfg.Ready(h.pending.Order()) }

// dropPending gives the pending table back; nobody else has seen it.
func (h *HPT) dropPending() {
	_ = h.pending.Close() // its memory goes, or is collected later
	h.pending = nil
}

// ResizeCommit is H_RESIZE_HPT_COMMIT: it carries entries over to the pending
// table as [Resize] does and puts that table in force. When it fails the old table
// stays in force, unchanged, and there is no pending table any more.
//
// Codes: Busy (Config.Ready says not yet), Closed (no pending table of that size,
// or flags), Authority, PTEGFull (two bolted entries need one slot: the error is
// their [*CollisionError]).
//
// The guest must see to it that none of its vCPUs uses the table meanwhile. One
// that does gets its answer from the old table, and what it enters there is lost.
// The old table is not closed, since such a call may still be in it.
func (h *HPT) ResizeCommit(flags Flags, shift int32) (Code, error) {
	h.resize.Lock()
	defer h.resize.Unlock()
	switch {
	case h.cfg.NoResize:
		return Authority, nil
	case flags != 0 && h.cfg.Quirks.ResizeArgsFirst:
		return Parameter, nil
	case h.pending == nil || flags != 0 || h.pending.Order() != int(shift):
		return Closed, nil
	case !h.ready():
		return Busy, nil
	}
	_, err := Resize(h.pending, h.Table(), h.sizes, h.cfg.Rehash, h.cfg.AnySlot)
	if err != nil {
		h.dropPending()
		return PTEGFull, err
	}
	h.table.Store(h.pending)
	h.pending = nil
	if h.sink != nil {
		h.sink.Flush(Flush{Kind: FlushTable})
	}
	return Success, nil
}
