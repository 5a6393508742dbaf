package hashvec

import (
	"fmt"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// psize runs [V, R, log2 of the actual page size or 0] lines: the size that an
// entry encodes when its segment is not known.
type psize struct{ recorded, plain *pte.Sizes }

func newPsize() runner {
	plain := pte.MustSizes(pte.SizesPOWER7)
	return psize{mmu.QEMU72PSeries.Sizes(plain), plain}
}

func (p psize) run(line []byte, rep *Report) error {
	var c [3]hex
	if err := decode(line, &c); err != nil {
		return err
	}
	h := pte.HPTE{V: uint64(c[0]), R: uint64(c[1])}
	why := ""
	if got := actual(p.recorded, h); got != int(c[2]) {
		why = fmt.Sprintf("%v: 2^%d, recorded 2^%d", h, got, c[2])
	}
	rep.add(why, actual(p.plain, h) != int(c[2]))
	return nil
}

func actual(s *pte.Sizes, h pte.HPTE) int {
	_, size, ok := s.Decode(h)
	if !ok {
		return 0
	}
	return int(size)
}
