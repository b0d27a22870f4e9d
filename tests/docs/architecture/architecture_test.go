package main

import (
	"os"
	"path/filepath"
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

// The page in the tree is what the command makes of it.
func TestThePageIsUpToDate(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	require.NoError(t, err)
	graph, err := imports(root)
	require.NoError(t, err)
	drawn, err := draw(string(page), graph)
	require.NoError(t, err)
	linked, err := link(drawn, filepath.Join(root, "docs"))
	require.NoError(t, err)
	assert.Equal(t, linked, string(page), "run 'make generate'")
}
