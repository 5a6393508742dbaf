package explore

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseSchedule(t *testing.T) {
	s, err := ParseSchedule(" 0*3 1*7\n1*2 ")
	require.NoError(t, err)
	require.Equal(t, Schedule{{0, 3}, {1, 9}}, s)
	require.Equal(t, "0*3 1*9", s.String())
	require.Equal(t, 12, s.Steps())
	require.Equal(t, 1, s.Switches())
	for _, bad := range []string{"0", "0*", "*1", "0*0", "x*1", "0*x", "-1*2", "16*1", "0*-1", "0*70000", "0*1,1*1", "0 * 1"} {
		_, err := ParseSchedule(bad)
		require.ErrorIs(t, err, ErrSchedule, bad)
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"", "0*3 1*7", "15*65535", "0*1 0*1", "0*0", "9999999999999999999*1", "0**1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			require.ErrorIs(t, err, ErrSchedule)
			return
		}
		again, err := ParseSchedule(s.String())
		if s.Steps() > 65535 {
			return // a turn may be too long to be written down
		}
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}

func TestReplay(t *testing.T) {
	s := toyScenario(atFinish, "z", "r")
	bad := explored(t, s, Config{Replay: Schedule{{0, 3}, {1, 7}}})
	require.Equal(t, Failed, bad.Verdict)
	require.Equal(t, "duplicate HPTE", bad.Failure.Name)
	require.Len(t, bad.Failure.Trace.Steps, 10)
	longer := explored(t, s, Config{Replay: Schedule{{0, 3}, {1, 9}}})
	require.Equal(t, "0*3 1*7", longer.Failure.Schedule.String(), "a replay ends where the rule breaks")

	fine := explored(t, s, Config{Replay: Schedule{{0, 4}, {1, 10}}})
	require.Equal(t, Replayed, fine.Verdict)
	require.Equal(t, "every CPU has finished", fine.Trace.Outcome)

	for text, reason := range map[string]string{
		"0*2 1*3":  "CPU 1 waits in pte_offset_map_lock for ptl, held by CPU 0",
		"0*9":      "it has finished",
		"0*4 1*30": "every CPU has finished",
		"2*1":      "the scenario has 2 CPUs",
	} {
		schedule, err := ParseSchedule(text)
		require.NoError(t, err)
		_, err = Run(t.Context(), s, Config{Replay: schedule})
		require.ErrorIs(t, err, ErrNotEnabled, text)
		var refused *NotEnabledError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, reason, refused.Reason, text)
	}
}

func TestReportRoundTripsAsJSON(t *testing.T) {
	for _, s := range []Scenario{toyScenario(atFinish, "z", "r"), toyScenario(beforeUnlock, "z", "r")} {
		r := explored(t, s, Config{})
		data, err := json.Marshal(r)
		require.NoError(t, err)
		var back Report
		require.NoError(t, json.Unmarshal(data, &back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.JSONEq(t, string(data), string(again))
		require.Equal(t, r.String(), back.String())
	}
	r := explored(t, toyScenario(atFinish, "z", "r"), Config{})
	data, err := json.Marshal(r.Failure)
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(data, &fields))
	require.Equal(t, "0*3 1*7", fields["schedule"])
	require.EqualValues(t, 1, fields["switches"])
	require.Equal(t, "two valid entries match the page", fields["error"])
}

// hostile is a scenario whose every text is markup.
func hostile() Scenario {
	const markup = `<script>alert("x")</script>&`
	return Scenario{Name: markup, Build: func(w *World) {
		l := w.Monitor(markup)
		w.CPU(markup, func(c *CPU) {
			c.Step(markup, Write(l))
			c.Note(markup)
			panic(markup)
		})
		w.Snapshot(func() []Panel {
			return []Panel{{Title: markup, Cells: []Cell{{Label: markup, Text: markup, Mark: markup}}}}
		})
	}}
}

func TestHTML(t *testing.T) {
	r := explored(t, hostile(), Config{})
	var b strings.Builder
	require.NoError(t, r.Failure.WriteHTML(&b))
	page := b.String()
	require.NotContains(t, page, "<script")
	require.Contains(t, page, "&lt;script&gt;")
	for _, remote := range []string{"http:", "https:", "src=", "href=", "@import", "url("} {
		require.NotContains(t, page, remote)
	}

	founding := explored(t, toyScenario(atFinish, "z", "r"), Config{})
	b.Reset()
	require.NoError(t, founding.Failure.WriteHTML(&b))
	page = b.String()
	require.Equal(t, 10, strings.Count(page, `<div class="step `))
	require.Equal(t, 1, strings.Count(page, `<tr class="switch">`))
	require.Equal(t, 2, strings.Count(page, "cell alarm"), "both entries of the duplicate stand out, in the last picture only")
	require.Equal(t, 33, strings.Count(page, `class="panel"`), "three panels at the start and after every step")
	for _, element := range []string{"table", "tbody", "tr", "td", "div", "p", "body", "html"} {
		require.Equal(t, strings.Count(page, "<"+element+" ")+strings.Count(page, "<"+element+">"), strings.Count(page, "</"+element+">"), element)
	}

	fine := explored(t, toyScenario(atFinish, "z", "r"), Config{Replay: Schedule{{0, 4}, {1, 10}}})
	b.Reset()
	require.NoError(t, fine.Trace.WriteHTML(&b))
	require.Contains(t, b.String(), "every CPU has finished")
	require.Error(t, (&Failure{}).WriteHTML(&b))
}
