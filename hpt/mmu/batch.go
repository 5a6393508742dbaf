package mmu

import "github.com/hashmmu/ppc64/pte"

// TranslateBatch translates accesses of one kind, in the order of eas:
// results[i] is what [CPU.Translate] of eas[i] gives, with the same effects. It
// goes on after a fault, and returns how many accesses may proceed. results has at
// least the length of eas; a shorter one panics, like an index beyond a slice. It
// allocates nothing.
func (c *CPU) TranslateBatch(eas []pte.EA, acc pte.Access, results []Result) (ok int) {
	results = results[:len(eas)]
	for i, ea := range eas {
		results[i] = c.Translate(ea, acc)
		if results[i].OK() {
			ok++
		}
	}
	return ok
}
