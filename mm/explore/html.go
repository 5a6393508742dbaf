package explore

import (
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"
)

//go:embed page.css
var pageCSS string

// WriteHTML writes the failure as one self-contained page: a lane per CPU, time downwards, the picture of the state
// after every step beside it. The page loads nothing from elsewhere and runs no script.
func (f *Failure) WriteHTML(w io.Writer) error {
	if f.Trace == nil {
		return fmt.Errorf("explore: failure %s has no trace", f.Kind)
	}
	facts := fmt.Sprintf("found in execution %d, %s", f.Execution, f.Schedule.size())
	if f.Minimal {
		facts += ", no fewer possible"
	}
	return f.Trace.page(w, facts, true)
}

// WriteHTML writes the page of a schedule that did not fail.
func (t *Trace) WriteHTML(w io.Writer) error {
	return t.page(w, t.Schedule.size(), false)
}

func (t *Trace) page(w io.Writer, facts string, failed bool) error {
	var b strings.Builder
	e := html.EscapeString
	class := "fine"
	if failed {
		class = "bad"
	}
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"+
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n<style>\n%s</style>\n</head>\n<body>\n",
		e(t.Scenario), pageCSS)
	fmt.Fprintf(&b, "<h1>%s</h1>\n<p class=\"outcome %s\">%s</p>\n<p>schedule <code>%s</code> <span class=\"facts\">%s</span></p>\n",
		e(t.Scenario), class, e(t.Outcome), e(t.Schedule.String()), e(facts))
	pictures := len(t.Initial) > 0
	b.WriteString("<table class=\"lanes\">\n<thead><tr><th class=\"number\">step</th>")
	for i, name := range t.CPUs {
		fmt.Fprintf(&b, "<th class=\"cpu%d\">CPU %d <small>%s</small></th>", i%6, i, e(name))
	}
	if pictures {
		b.WriteString("<th>state after the step</th>")
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	if pictures {
		fmt.Fprintf(&b, "<tr><td class=\"number\">start</td>%s<td class=\"state\">", strings.Repeat("<td></td>", len(t.CPUs)))
		panels(&b, t.Initial, nil)
		b.WriteString("</td></tr>\n")
	}
	before := t.Initial
	for i := range t.Steps {
		t.row(&b, i, before, pictures, failed)
		before = t.Steps[i].Panels
	}
	fmt.Fprintf(&b, "</tbody>\n</table>\n<p class=\"outcome %s\">%s</p>\n</body>\n</html>\n", class, e(t.Outcome))
	_, err := io.WriteString(w, b.String())
	return err
}

// row writes one step: a box in the lane of its CPU, and the picture.
func (t *Trace) row(b *strings.Builder, i int, before []Panel, pictures, failed bool) {
	s := &t.Steps[i]
	class := ""
	if i > 0 && t.Steps[i-1].CPU != s.CPU {
		class = " class=\"switch\""
	}
	fmt.Fprintf(b, "<tr%s><td class=\"number\">%d</td>", class, i+1)
	for cpu := range t.CPUs {
		if cpu != s.CPU {
			b.WriteString("<td></td>")
			continue
		}
		last := ""
		if failed && i == len(t.Steps)-1 {
			last = " last"
		}
		fmt.Fprintf(b, "<td><div class=\"step cpu%d%s\"><b>%s</b>", cpu%6, last, html.EscapeString(s.Op))
		if len(s.Accesses) > 0 {
			fmt.Fprintf(b, "<span>%s</span>", html.EscapeString(strings.Join(s.Accesses, ", ")))
		}
		for _, n := range s.Notes {
			fmt.Fprintf(b, "<i>%s</i>", html.EscapeString(n))
		}
		b.WriteString("</div></td>")
	}
	if pictures {
		b.WriteString("<td class=\"state\">")
		panels(b, s.Panels, before)
		b.WriteString("</td>")
	}
	b.WriteString("</tr>\n")
}

// panels draws a picture; cells that differ from the one before are outlined.
func panels(b *strings.Builder, now, before []Panel) {
	for i, p := range now {
		fmt.Fprintf(b, "<div class=\"panel\"><h2>%s</h2><div class=\"cells\">", html.EscapeString(p.Title))
		for j, c := range p.Cells {
			class := "cell"
			switch c.Mark {
			case Live, Dim, Alarm:
				class += " " + string(c.Mark)
			}
			if before != nil && (i >= len(before) || j >= len(before[i].Cells) || before[i].Cells[j] != c) {
				class += " changed"
			}
			fmt.Fprintf(b, "<div class=\"%s\">", class)
			if c.Label != "" {
				fmt.Fprintf(b, "<small>%s</small>", html.EscapeString(c.Label))
			}
			fmt.Fprintf(b, "%s</div>", html.EscapeString(c.Text))
		}
		b.WriteString("</div></div>")
	}
}
