package pte_test

import (
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// A page of a Linux process, from its effective address to its two groups.
func ExampleKey() {
	ea := pte.EA(0x7fff12345000)
	vsid := pte.VSID61.VSID(7, ea, pte.Seg1T)
	k := pte.MakeKey(vsid, ea, pte.Seg1T, pte.Page64K)
	mask := uint64(1)<<(24-7) - 1 // a table of 2^24 bytes
	fmt.Println(k)
	fmt.Printf("groups %#x and %#x\n", k.Hash().Primary(mask), k.Hash().Secondary(mask))
	// Output:
	// 0x554fa54:0xff12340/64K/1T
	// groups 0x1e860 and 0x179f
}

// An entry is made for a key, and gives it back from the group it sits in.
func ExampleSizes_Key() {
	sizes := pte.MustSizes(pte.SizesPOWER7)
	k := pte.MakeKey(0x554fa54, 0x7fff12340000, pte.Seg1T, pte.Page64K)
	h, err := sizes.Encode(k, 0x12340000, pte.Page64K, pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory})
	if err != nil {
		fmt.Println(err)
		return
	}
	mask := uint64(1)<<(24-7) - 1
	back, actual, err := sizes.Key(h, k.Hash().Primary(mask), mask)
	fmt.Println(h)
	fmt.Println(back, actual, err)
	// Output:
	// 0x400554fa54ff1205:0x0000000012341012
	// 0x554fa54:0xff12340/64K/1T 64K <nil>
}

// A page that is writable but clean is read-only in the hash table, so that the
// first store comes by and marks it dirty.
func ExampleLayout_Attr() {
	l := pte.Linux61
	p := l.Make(0x5000, pte.Read|pte.Write)
	clean, dirty := l.Attr(p), l.Attr(p|l.Dirty)
	fmt.Println(pte.HPTE{}.WithAttr(clean).Permits(true), clean.Chg)
	fmt.Println(pte.HPTE{}.WithAttr(dirty).Permits(true), dirty.Chg)
	// Output:
	// r-- false
	// rw- true
}

// Some page-size tables cannot be told apart by the bits of an entry.
func ExampleNewSizes() {
	_, err := pte.NewSizes([]pte.SegPageSizes{
		{Base: pte.Page4K, SLB: 0x000, Actual: []pte.ActualSize{{Size: pte.Page4K}, {Size: pte.Page64K, LP: 1}}},
		{Base: pte.Page64K, SLB: 0x110, Actual: []pte.ActualSize{{Size: pte.Page64K, LP: 1}}},
	})
	fmt.Println(err)
	// Output:
	// pte: bad page-size table: base[1].Actual[0].LP = 0x1: an entry could also be 64K in a 4K segment
}
