package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func TestStat(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Stat
	}{
		{nil, Stat{}},
		{[]float64{3}, Stat{3, 3, 3}},
		{[]float64{5, 1, 3}, Stat{3, 1, 5}},
		{[]float64{4, 1, 2, 9}, Stat{3, 1, 9}},
	} {
		if got := statOf(c.values); got != c.want {
			t.Errorf("statOf(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	var run Run
	for i := range 1000 {
		run.Prepares = append(run.Prepares, time.Duration(1000-i)*time.Microsecond)
	}
	for q, want := range map[float64]float64{0: 1, 0.5: 501, 0.9: 901, 0.99: 991, 1: 1000} {
		if got := quantileUS(q)(run); got != want {
			t.Errorf("quantile %v = %v us, want %v", q, got, want)
		}
		if got := quantileUS(q)(Run{Prepares: percentiles(run.Prepares)}); got != want {
			t.Errorf("quantile %v of the percentiles = %v us, want %v", q, got, want)
		}
	}
}

func TestRunsAreReadAsTheyAreWritten(t *testing.T) {
	want := &Results{Repetitions: 2, LeftOut: []string{"none"}, Runs: []Run{
		{Work: "a", Logger: "x", Wall: 3}, {Work: "e", Prepares: []time.Duration{1, 2}, Calls: map[string]int64{"read": 1}},
	}}
	text, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := load(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
}

func TestTargetComparesWithTheBestOfTheChosen(t *testing.T) {
	results := &Results{Runs: []Run{
		{Work: "b", Logger: sluiceName, LoggerCPU: 200 * time.Millisecond},
		{Work: "b", Logger: s6Name, LoggerCPU: 900 * time.Millisecond},
		{Work: "b", Logger: rotateName, LoggerCPU: 800 * time.Millisecond},
		{Work: "b", Logger: pausedName, LoggerCPU: 100 * time.Millisecond},
	}}
	value, against, ok := versus("b", cpu, least, peers)(results)
	if !ok || value != 0.25 || against != rotateName {
		t.Errorf("got %v against %q (%v), want 0.25 against %q", value, against, ok, rotateName)
	}
	if _, _, ok := versus("b", cpu, least, named("nobody"))(results); ok {
		t.Error("a ratio without a run to compare with")
	}
}
