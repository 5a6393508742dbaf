package explore

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestShardsAreTheWhole cuts explorations in pieces: executions add up to the whole, and the final states of the
// pieces are those of the whole, on random programs and on the toy.
func TestShardsAreTheWhole(t *testing.T) {
	programs := 150
	if testing.Short() {
		programs = 30
	}
	r := random(7)
	for range programs {
		p := randomProgram(&r)
		for _, a := range []Algorithm{Naive, SleepSets, SourceDPOR, CacheSleep} {
			if a == Naive && len(p.threads) > 2 {
				continue
			}
			split := 1 + r.below(6)
			whole := finalStates(t, p, Config{Algorithm: a, SplitDepth: split})
			for _, count := range []int{2, 5} {
				var sum int64
				union := map[string]bool{}
				for i := range count {
					part := finalStates(t, p, Config{Algorithm: a, SplitDepth: split, Shard: Shard{i, count}})
					sum += part.executions
					for f := range part.finals {
						union[f] = true
					}
				}
				require.Equal(t, whole.finals, union, "%s by %s in %d shards", p, a, count)
				if a != CacheSleep { // shards do not share their caches
					require.Equal(t, whole.executions, sum, "%s by %s in %d shards", p, a, count)
				}
			}
		}
	}
}

type finals struct {
	finals     map[string]bool
	executions int64
}

func finalStates(t *testing.T, p program, cfg Config) finals {
	t.Helper()
	var state programState
	f := finals{finals: map[string]bool{}}
	cfg.KeepGoing, cfg.MinimizeBudget = true, -1
	cfg.observe = func(w *World) { f.finals[state.String()] = true }
	r, err := Run(t.Context(), p.scenario(&state), cfg)
	require.NoError(t, err)
	f.executions = r.Executions()
	return f
}

func TestMergeProvesWhatItsShardsProved(t *testing.T) {
	s := toyScenario(beforeUnlock, "zr", "rw")
	whole := explored(t, s, Config{SplitDepth: 8})
	for _, count := range []int{1, 3, 8} {
		parts := make([]Report, count)
		for i := range parts {
			r := explored(t, s, Config{Shard: Shard{i, count}, SplitDepth: 8})
			if count > 1 {
				require.Equal(t, Explored, r.Verdict, "a part proves nothing about the whole")
			}
			data, err := json.Marshal(r) // as it would travel
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, &parts[count-1-i]))
		}
		merged, err := Merge(parts...)
		require.NoError(t, err)
		require.Equal(t, Proved, merged.Verdict)
		require.Equal(t, whole.Executions(), merged.Executions())
		require.Equal(t, whole.Passes[0].Steps > 0, merged.Passes[0].Steps > 0)
	}
}

func TestMergeRefuses(t *testing.T) {
	s := toyScenario(beforeUnlock, "z", "r")
	part := func(i, n int, a Algorithm) Report {
		return explored(t, s, Config{Algorithm: a, Shard: Shard{i, n}, SplitDepth: 3})
	}
	other := explored(t, toyScenario(beforeUnlock, "z", "w"), Config{Shard: Shard{1, 2}, SplitDepth: 3})
	for name, reports := range map[string][]Report{
		"none":       {},
		"missing":    {part(0, 2, Prove)},
		"twice":      {part(0, 2, Prove), part(0, 2, Prove)},
		"counts":     {part(0, 2, Prove), part(1, 3, Prove)},
		"algorithms": {part(0, 2, Prove), part(1, 2, Naive)},
		"scenarios":  {part(0, 2, Prove), other},
	} {
		_, err := Merge(reports...)
		require.ErrorIs(t, err, ErrMerge, name)
	}
	half := part(1, 2, Prove)
	half.Passes = half.Passes[:1]
	merged, err := Merge(part(0, 2, Prove), half)
	require.NoError(t, err)
	require.Equal(t, Exhausted, merged.Verdict, "one shard ran one algorithm")
	lying := part(1, 2, Prove)
	lying.Passes[1].Digest++
	merged, err = Merge(part(0, 2, Prove), lying)
	require.NoError(t, err)
	require.NotEqual(t, Proved, merged.Verdict, "the algorithms of one shard ended in different states")
}

func TestMergeKeepsTheLowestFailure(t *testing.T) {
	s := toyScenario(atFinish, "z", "r", "w")
	const count = 4
	var parts []Report
	for i := range count {
		parts = append(parts, explored(t, s, Config{Shard: Shard{i, count}, SplitDepth: 4}))
	}
	merged, err := Merge(parts...)
	require.NoError(t, err)
	require.Equal(t, Failed, merged.Verdict)
	require.Equal(t, "0*3 1*7", merged.Failure.Schedule.String())
}

func TestWorkers(t *testing.T) {
	r := explored(t, toyScenario(beforeUnlock, "zr", "rw"), Config{Workers: 3})
	require.Equal(t, Proved, r.Verdict)
	require.Equal(t, explored(t, toyScenario(beforeUnlock, "zr", "rw"), Config{SplitDepth: 8}).Executions(), r.Executions())
	bad := explored(t, toyScenario(atFinish, "z", "r", "w"), Config{Workers: 3})
	require.Equal(t, "0*3 1*7", bad.Failure.Schedule.String())
}

func TestShardFromEnv(t *testing.T) {
	names := []string{"TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS", "TEST_SHARD_STATUS_FILE", "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"}
	clear := func() {
		for _, n := range names {
			t.Setenv(n, "") // so that it comes back afterwards
			require.NoError(t, os.Unsetenv(n))
		}
	}
	clear()
	s, err := ShardFromEnv()
	require.NoError(t, err)
	require.Zero(t, s)

	status := filepath.Join(t.TempDir(), "status")
	t.Setenv("TEST_SHARD_INDEX", "3")
	t.Setenv("TEST_TOTAL_SHARDS", "16")
	t.Setenv("TEST_SHARD_STATUS_FILE", status)
	s, err = ShardFromEnv()
	require.NoError(t, err)
	require.Equal(t, Shard{3, 16}, s)
	require.FileExists(t, status)

	clear()
	t.Setenv("JOB_COMPLETION_INDEX", "0")
	t.Setenv("JOB_COMPLETIONS", "4")
	s, err = ShardFromEnv()
	require.NoError(t, err)
	require.Equal(t, Shard{0, 4}, s)
	for _, count := range []string{"", "0", "x", "-1"} {
		t.Setenv("JOB_COMPLETIONS", count)
		_, err = ShardFromEnv()
		require.ErrorIs(t, err, ErrConfig)
	}
	t.Setenv("JOB_COMPLETIONS", "4")
	t.Setenv("JOB_COMPLETION_INDEX", "4")
	_, err = ShardFromEnv()
	require.ErrorIs(t, err, ErrConfig)
}
