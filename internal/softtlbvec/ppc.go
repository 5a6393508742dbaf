package softtlbvec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashmmu/ppc64/tlb"
)

// ppcFamilies are the runners of the PowerPC parts.
var ppcFamilies = []family{e500Family, ppc603Family, ppc405Family, ppc44xFamily}

// recordedQuirks is every departure of the recorded machines of a family.
func recordedQuirks(f tlb.Family) (q tlb.Quirk) {
	for _, x := range tlb.Quirks {
		if slices.Contains(x.Families, f) {
			q |= x.Quirk
		}
	}
	return q
}

// compareRows compares a listing of the entries with the recorded one.
func compareRows(got []string, final []Value) error {
	for i := range max(len(got), len(final)) {
		have, want := "nothing", "nothing"
		if i < len(got) {
			have = got[i]
		}
		if i < len(final) {
			want = final[i].String()
		}
		if have != want {
			return fmt.Errorf("final row %d is %s, recorded %s", i, have, want)
		}
	}
	return nil
}

// row is one row of a listing as a Value prints it.
func row(columns ...any) string {
	text := make([]string, len(columns))
	for i, c := range columns {
		switch c := c.(type) {
		case uint32:
			text[i] = fmt.Sprintf("%#x", c)
		case uint64:
			text[i] = fmt.Sprintf("%#x", c)
		default:
			text[i] = fmt.Sprint(c)
		}
	}
	return "[" + strings.Join(text, " ") + "]"
}

// bookEInterrupt is the interrupt that a fault becomes on a Book E part.
func bookEInterrupt(f tlb.Fault, acc tlb.Access) string {
	names := map[tlb.Fault]string{tlb.TLBMiss: "DTLB", tlb.Protection: "DSI"}
	if acc == tlb.Fetch {
		names = map[tlb.Fault]string{tlb.TLBMiss: "ITLB", tlb.Protection: "ISI"}
	}
	if n, ok := names[f]; ok {
		return n
	}
	return f.String()
}

// translated compares what a successful access returned.
func (d *diff) translated(a *Args, r tlb.Result) {
	d.text("fault", r.Fault.String(), tlb.NoFault.String())
	d.hex("ra", r.PA, a.Hex())
	d.int("prot", int(r.Prot), a.Int())
}

// headerError is the error of a header that describes no possible part.
func headerError(err error) error {
	if errors.Is(err, ErrFormat) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

func noOperation(part string, op Op) error {
	return fmt.Errorf("%w: no %s operation %q", ErrFormat, part, op.Name)
}
