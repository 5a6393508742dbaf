package hpt

import (
	"math/bits"

	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

// A tentative entry holds a slot for one call of InsertUnique between its first
// and its last step. V is clear, so it translates nothing, and it is told from
// other leftovers in invalid slots by B = 3, which is reserved, together with
// 0x60 of the software bits, which no known software leaves in an entry with a
// reserved B. AVPN and H are the key's, 0x18 holds its B. R is a number that no
// other call has, so that nobody ends another call's tentative entry as his own.
const (
	tentativeMask  = 3<<62 | 0x60 | pte.VValid
	tentativeValue = 3<<62 | 0x60
)

// uniqueTries bounds how often one call tries again because others changed the
// slot it looked at.
const uniqueTries = 16

func tentative(raw pte.HPTE) bool { return raw.V&tentativeMask == tentativeValue }

// uniqueCall is one call of InsertUnique.
type uniqueCall struct {
	t      *Table
	groups [2]uint64 // primary, secondary
	want   [2]needle
	mark   [2]uint64 // V of a tentative entry for the key, by group
	shared uint64    // bits of V that valid and tentative entries of the key share
	tag    uint64    // R of ours
}

// InsertUnique inserts like [Table.Insert] when no valid entry matches the key.
// As long as every insert of a key goes through InsertUnique, or plain inserts
// of it are serialised with everything else, the key has at most one valid
// entry (H3).
//
// It holds a slot by a tentative entry, looks at both groups, gives way to a
// lower tentative entry of the same key, removes higher ones, and turns its own
// into the valid entry. Errors: [ErrExists] when a valid entry was seen;
// [ErrBusy] when the race with another insert was lost, also when a slot was
// missing while a tentative entry held one; [ErrGroupFull].
//
// With [Config.LockUnique] it searches and inserts under a lock instead. Without,
// every call ends within a bounded number of steps. Of several that race on one
// key the lowest succeeds unless it is stalled; the others get ErrBusy until then.
// Only this operation writes tentative entries, in guest RAM too. Plain inserts
// take their slot as they take any that is not valid; their owner then gets
// ErrBusy.
func (t *Table) InsertUnique(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	h.V &^= pte.VSecondary
	if t.locks != nil {
		return t.insertLocked(k, h)
	}
	tag, own := sched.Unique(t.tags), -1
	if t.assembled() {
		switch state := unique(t, k, tag, h.V, h.R); {
		case state < uniqueTwin:
			return pte.MakeSlotHint(false, int(state)), nil
		case state == uniqueBusy:
			return 0, ErrBusy
		case state >= uniqueContend:
			own = int(state - uniqueContend)
		}
	}
	return t.finishTentative(k, h, tag, own)
}

// finishTentative goes on from where there is a tentative entry of ours at the place
// own, or from the beginning when own is negative. H is clear in h.
func (t *Table) finishTentative(k pte.Key, h pte.HPTE, tag uint64, own int) (hint pte.SlotHint, err error) {
	u := t.unique(k, tag)
	if own < 0 {
		if own, err = u.publish(); err != nil {
			return 0, err
		}
	}
	if err := u.contend(own); err != nil {
		t.CompareAndSwapRaw(u.slot(own), u.tentative(own), pte.HPTE{})
		return 0, err
	}
	if u.secondary(own) == 1 {
		h.V |= pte.VSecondary
	}
	if !t.CompareAndSwapRaw(u.slot(own), u.tentative(own), t.raw(h)) {
		return 0, ErrBusy
	}
	return pte.MakeSlotHint(u.secondary(own) == 1, int(uint64(own)%t.perGroup)), nil
}

func (t *Table) unique(k pte.Key, tag uint64) uniqueCall {
	hash := k.Hash()
	u := uniqueCall{
		t:      t,
		groups: [2]uint64{hash.Primary(t.mask), hash.Secondary(t.mask)},
		want:   [2]needle{t.needle(k, false), t.needle(k, true)},
		tag:    tag,
	}
	u.shared = u.want[0].mask &^ (3<<62 | pte.VValid)
	for i, n := range u.want {
		v := n.v & n.mask // format 3 tells fewer keys apart
		u.mark[i] = tentativeValue | v&(1<<62-1)&^pte.VValid | v>>62<<3
	}
	return u
}

// The places of a key are numbered from 0: primary slots, then secondary ones.
func (u *uniqueCall) secondary(place int) int { return place / int(u.t.perGroup) }

func (u *uniqueCall) slot(place int) pte.Slot {
	return u.t.slot(u.groups[u.secondary(place)], place%int(u.t.perGroup))
}

// tentative is our tentative entry at a place.
func (u *uniqueCall) tentative(place int) pte.HPTE {
	return pte.HPTE{V: u.mark[u.secondary(place)], R: u.tag}
}

// rival reports whether raw is a tentative entry of the same key at a place.
func (u *uniqueCall) rival(place int, raw pte.HPTE) bool { return raw.V == u.mark[u.secondary(place)] }

// exists reports whether raw is a valid entry of the key at a place.
func (u *uniqueCall) exists(place int, raw pte.HPTE) bool {
	return u.want[u.secondary(place)].matches(u.t.view(raw))
}

// publish puts our tentative entry into the first free slot.
func (u *uniqueCall) publish() (own int, err error) {
	for range uniqueTries {
		place, raw, err := u.firstFree()
		if err != nil {
			return 0, err
		}
		if u.t.CompareAndSwapRaw(u.slot(place), raw, u.tentative(place)) {
			return place, nil
		}
	}
	return 0, ErrBusy
}

// firstFree looks at all places before anything is changed: for an entry of the
// key, and for the first slot that nobody holds.
func (u *uniqueCall) firstFree() (free int, raw pte.HPTE, err error) {
	free, err = -1, ErrGroupFull
	for i, group := range u.groups {
		hits, idle := u.t.scanFree(group, u.want[i].v, u.shared|pte.VValid)
		for ; hits != 0; hits &= hits - 1 {
			place := i*int(u.t.perGroup) + bits.TrailingZeros32(hits)
			if u.exists(place, u.t.LoadRaw(u.slot(place))) {
				return 0, pte.HPTE{}, ErrExists
			}
		}
		for ; idle != 0 && free < 0; idle &= idle - 1 {
			place := i*int(u.t.perGroup) + bits.TrailingZeros32(idle)
			switch h := u.t.LoadRaw(u.slot(place)); {
			case tentative(h):
				err = ErrBusy
			case !h.Valid():
				free, raw = place, h
			}
		}
	}
	if free >= 0 {
		err = nil
	}
	return free, raw, err
}

// contend looks at all other places with our tentative entry in the table. Of
// two calls that both get past it, take the one at the higher place: it had
// looked at the lower place before the other published there, so the other
// looked at the higher place later, and there met a tentative entry, which it
// removed, or a valid one, before which it gave way. One scan looks for both
// kinds, since an entry may turn from one into the other between two scans.
func (u *uniqueCall) contend(own int) error {
	for i, group := range u.groups {
		for hits := u.t.scanGroup(group, u.want[i].v, u.shared); hits != 0; hits &= hits - 1 {
			place := i*int(u.t.perGroup) + bits.TrailingZeros32(hits)
			if place == own {
				continue
			}
			if err := u.outrank(own, place); err != nil {
				return err
			}
		}
	}
	return nil
}

// outrank settles the race with whatever is at a place.
func (u *uniqueCall) outrank(own, place int) error {
	s := u.slot(place)
	for range uniqueTries {
		raw := u.t.LoadRaw(s)
		switch {
		case u.exists(place, raw):
			return ErrExists
		case !u.rival(place, raw):
			return nil
		case place < own:
			return ErrBusy
		case u.t.CompareAndSwapRaw(s, raw, pte.HPTE{}):
			return nil
		}
	}
	return ErrBusy
}
