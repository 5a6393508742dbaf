package hpt_test

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// A page is inserted, found, changed and removed.
func Example() {
	t, err := hpt.New(hpt.Config{Order: 24})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	k := pte.MakeKey(0x554fa54, 0x7fff12345000, pte.Seg1T, pte.Page64K)
	h, err := t.Sizes().Encode(k, 0x12340000, pte.Page64K, pte.Attr{PP: pte.PPRead, WIMG: pte.Memory})
	if err != nil {
		fmt.Println(err)
		return
	}
	hint, err := t.Insert(k, h)
	fmt.Println("inserted:", hint, err)

	ref := pte.Ref{Key: k, Actual: pte.Page64K, Hint: hint}
	_ = t.Protect(ref, pte.Attr{PP: pte.PPUserRW, Chg: true})
	h, _, ok := t.Lookup(k)
	fmt.Println("found:", ok, h.Permits(true), h.RA(pte.Page64K))

	old, ok := t.Invalidate(ref)
	fmt.Println("removed:", ok, "dirty:", old.Attr().Chg)
	_, ok = t.Invalidate(ref)
	fmt.Println("again:", ok)
	// Output:
	// inserted: primary 0 <nil>
	// found: true rwx 0x12340000
	// removed: true dirty: true
	// again: false
}

// Two inserts of one key make what must never be.
func ExampleTable_Check() {
	t, err := hpt.New(hpt.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	k := pte.Key{VSID: 0x1234, Base: pte.Page4K}
	for _, ra := range []pte.RA{0x5000, 0x6000} {
		h, err := t.Sizes().Encode(k, ra, pte.Page4K, pte.Attr{PP: pte.PPUserRW})
		if err != nil {
			fmt.Println(err)
			return
		}
		_, _ = t.Insert(k, h)
	}
	var d *hpt.DuplicateError
	if errors.As(t.Check(), &d) {
		fmt.Println(d.Key, "slots", d.Slots, "conflict:", d.Conflict)
	}
	// Output:
	// 0x1234:0x0/4K/256M slots [4512 4513] conflict: true
}
