package mm

import "github.com/hashmmu/ppc64/pte"

// What a [Backend] of one's own needs to be explored. Without a [Stepper] none of it
// does anything.

// Step stops before an operation of a Backend that other CPUs can see, with all that
// it uses. What a Backend does between two stops is one step for the explorer, so it
// must not hold a lock of its own when it stops.
func (c *CPU) Step(s Step, ea pte.EA, touches ...Touch) {
	if c.stepper != nil {
		c.await(s, ea, nil, touches...)
	}
}

// PTELoc is the location of the Linux PTE of ea, for the touches of an operation that
// reads it.
func (as *AddressSpace) PTELoc(ea pte.EA) Loc { return page{as: as, ea: ea}.loc() }
