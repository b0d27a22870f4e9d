package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLinksLeadToTheirDefinition(t *testing.T) {
	dir := t.TempDir()
	source := "package a\n\n// Move moves.\nfunc Move() {}\n\nfunc (p *Pump) Move(n int) {}\n\ntype Pump struct{}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte(source), 0o644))
	linked, err := link("[`a.go` `Move`](a.go), [`Pump.Move`](a.go#L1), [`Pump`](a.go#L99)", dir)
	require.NoError(t, err)
	assert.Equal(t, "[`a.go` `Move`](a.go#L4), [`Pump.Move`](a.go#L6), [`Pump`](a.go#L8)", linked)
	_, err = link("[`Gone`](a.go#L4)", dir)
	assert.ErrorContains(t, err, "defines no Gone")
}

func TestWhatAnImportBringsIsNotDrawn(t *testing.T) {
	graph := reduced(map[string][]string{"top": {"middle", "low"}, "middle": {"low"}, "low": nil})
	assert.Equal(t, "graph TD\n  module([module, C++]) --> bridge\n  middle --> low\n  top --> middle\n", mermaid(graph))
}

// Whoever meets a package finds in the table what it is for.
func TestEveryPackageHasItsRow(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	require.NoError(t, err)
	var rooms strings.Builder
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) > 1 {
			rooms.WriteString(cells[1])
		}
	}
	graph, err := imports(root)
	require.NoError(t, err)
	for name := range graph {
		assert.Contains(t, rooms.String(), "`"+name+"`")
	}
}

// The page in the tree is what the command makes of it.
func TestThePageIsUpToDate(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	require.NoError(t, err)
	rendered, err := render(root, string(page))
	require.NoError(t, err)
	assert.Equal(t, rendered, string(page), "run 'make generate'")
}
