package scenario

import (
	"fmt"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
)

// draw pictures the hash groups of every page, its Linux PTE, and the batches.
func (st *Stage) draw() []explore.Panel {
	var out []explore.Panel
	t := st.Machine.Table()
	for _, p := range st.pages {
		k := p.Space.Key(p.EA)
		dup, _ := p.Space.Duplicate(p.EA)
		for _, secondary := range [2]bool{false, true} {
			g := k.Hash().Group(secondary, t.Mask())
			panel := explore.Panel{Title: fmt.Sprintf("%v %s group %#x", p.EA, groupName(secondary), g)}
			n := t.Slots() / t.Groups()
			for i := range n {
				e := t.Load(pte.Slot(g*n + i))
				panel.Cells = append(panel.Cells, slotCell(i, e, e.Match(k, secondary), dup))
			}
			out = append(out, panel)
		}
		out = append(out, explore.Panel{Title: fmt.Sprintf("%v Linux PTE", p.EA), Cells: []explore.Cell{st.pteCell(p)}})
	}
	for i := range st.Machine.CPUs() {
		_, refs := st.Machine.CPU(i).Batch().Pending()
		panel := explore.Panel{Title: fmt.Sprintf("batch of CPU %d", i)}
		for _, r := range refs {
			panel.Cells = append(panel.Cells, explore.Cell{Text: r.Hint.String(), Mark: explore.Live})
		}
		out = append(out, panel)
	}
	return out
}

func groupName(secondary bool) string {
	if secondary {
		return "secondary"
	}
	return "primary"
}

func slotCell(i uint64, e pte.HPTE, ours, dup bool) explore.Cell {
	c := explore.Cell{Label: fmt.Sprintf("slot %d", i), Text: "free", Mark: explore.Dim}
	switch {
	case !e.Valid():
		return c
	case !ours:
		c.Text, c.Mark = "another page", explore.Plain
		return c
	}
	c.Text, c.Mark = "this page, "+e.Permits(true).String(), explore.Live
	if dup {
		c.Mark = explore.Alarm
	}
	return c
}

func (st *Stage) pteCell(at mm.PageOf) explore.Cell {
	l, p := st.Machine.Kernel().Layout, at.Space.PTE(at.EA)
	if l.None(p) {
		return explore.Cell{Text: "none", Mark: explore.Dim}
	}
	text := l.Granted(p).String()
	for _, bit := range []struct {
		mask pte.LinuxPTE
		name string
	}{{l.Dirty, " dirty"}, {l.Busy, " BUSY"}} {
		if p&bit.mask != 0 {
			text += bit.name
		}
	}
	if h := at.Space.Hint(at.EA); h.Hashed() {
		text += " HASHPTE " + h.String()
	}
	return explore.Cell{Text: text, Mark: explore.Live}
}
