package batch_test

import (
	"fmt"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
)

// What separates the broken kernel from the repaired ones is when the flush
// runs relative to the PTE page lock, not how much was batched.
func Example() {
	zap := func(p batch.Policy) {
		flush := batch.FlusherFunc(func(_ uint64, refs []pte.Ref, _ batch.Scope) {
			fmt.Printf(" flush of %d,", len(refs))
		})
		b := batch.New(flush, batch.Config{Policy: p})
		fmt.Printf("%-14v", p)
		b.EnterLazy() // PTE page lock taken
		for i := range uint32(3) {
			b.Add(7, pte.Ref{Key: pte.Key{VSID: 5, Page: i}, Hint: pte.MakeSlotHint(false, 0)}, batch.Global)
		}
		b.LeaveLazy()
		b.BeforeUnlock()
		fmt.Print(" unlock,")
		b.Finish()
		fmt.Println(" done")
	}
	for _, p := range []batch.Policy{batch.AtFinish(), batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()} {
		zap(p)
	}
	// Output:
	// at-finish      unlock, flush of 3, done
	// before-unlock  flush of 3, unlock, done
	// lazy-mmu       flush of 3, unlock, done
	// immediate      flush of 1, flush of 1, flush of 1, unlock, done
}

func ExampleParsePolicy() {
	p, err := batch.ParsePolicy("before-unlock+capacity-16")
	fmt.Println(p, err)
	_, err = batch.ParsePolicy("capacity-500")
	fmt.Println(err)
	// Output:
	// before-unlock+capacity-16 <nil>
	// batch: unknown policy "capacity-500"; one of at-finish, before-unlock, lazy-mmu, immediate, capacity-N with N from 1 to 192
}
