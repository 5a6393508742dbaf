package papr_test

import (
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// owed prints what hypercalls invalidate; an emulator makes it a tlbie on its CPUs.
type owed struct{}

func (owed) Flush(f papr.Flush) { fmt.Println("flush", f.Key, "of", f.Actual) }

// A guest enters a page in its group and removes it by AVPN, with the registers of
// sc 1.
func Example() {
	table, _ := hpt.New(hpt.Config{})
	defer table.Close()
	calls, _ := papr.New(papr.Config{Table: table, Memory: papr.RAMBelow(1 << 30), Sink: owed{}})

	key := pte.MakeKey(0x7ca3, 0x10001000, pte.Seg256M, pte.Page4K)
	entry, _ := calls.Sizes().Encode(key, 0x5000, pte.Page4K, pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory})
	group := key.Hash().Primary(table.Mask()) * pte.SlotsPerGroup
	args := papr.Args{0, group, entry.V, entry.R} // R4 to R7
	fmt.Println(papr.OpEnter, calls.Call(papr.OpEnter, &args), "in slot", args[0])

	args = papr.Args{uint64(papr.AVPN), args[0], key.AVPN()}
	fmt.Println(papr.OpRemove, calls.Call(papr.OpRemove, &args), "it was", pte.HPTE{V: args[0], R: args[1]} == entry)
	fmt.Println(papr.OpRemove, calls.Call(papr.OpRemove, &papr.Args{0, group}))
	// Output:
	// H_ENTER H_SUCCESS in slot 9488
	// flush 0x7ca3:0x1/4K/256M of 4K
	// H_REMOVE H_SUCCESS it was true
	// H_REMOVE H_NOT_FOUND
}
