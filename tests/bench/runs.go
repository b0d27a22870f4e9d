package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// encode gives the results as lines of JSON: what holds of all runs, and then a line for each, so
// that a new measurement changes no more lines than there are runs.
func (r *Results) encode() ([]byte, error) {
	head := *r
	head.Runs = nil
	var text bytes.Buffer
	lines := json.NewEncoder(&text)
	if err := lines.Encode(head); err != nil {
		return nil, err
	}
	for _, run := range r.Runs {
		if err := lines.Encode(run); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

// load reads what encode gave.
func load(path string) (*Results, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var results Results
	lines := json.NewDecoder(f)
	if err := lines.Decode(&results); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	for lines.More() {
		var run Run
		if err := lines.Decode(&run); err != nil {
			return nil, fmt.Errorf("read run %d of %s: %w", len(results.Runs)+1, path, err)
		}
		results.Runs = append(results.Runs, run)
	}
	return &results, nil
}
