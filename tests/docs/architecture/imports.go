package main

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// leaves are packages that nearly everybody imports: their arrows would hide the others. The
// last two are for tests.
var leaves = []string{"guard", "shortage", "throttle", "version", "series/logtest", "rotation/casefile"}

// imports gives what each package of core and bridge imports of the project, without what
// those import anyway.
func imports(root string) (map[string][]string, error) {
	command := exec.CommandContext(context.Background(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./core/...", "./bridge")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages: %w", err)
	}
	graph := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := short(words[0])
		if slices.Contains(leaves, name) {
			continue
		}
		graph[name] = nil
		for _, imported := range words[1:] {
			own := strings.HasPrefix(imported, "sluice/core/") || imported == "sluice/bridge"
			if own && !slices.Contains(leaves, short(imported)) {
				graph[name] = append(graph[name], short(imported))
			}
		}
	}
	return reduced(graph), nil
}

func short(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, "sluice/"), "core/")
}

// reduced leaves out each import that another one brings.
func reduced(graph map[string][]string) map[string][]string {
	result := map[string][]string{}
	for name, all := range graph {
		result[name] = slices.DeleteFunc(slices.Clone(all), func(imported string) bool {
			return slices.ContainsFunc(all, func(other string) bool {
				return other != imported && reaches(graph, other, imported)
			})
		})
	}
	return result
}

func reaches(graph map[string][]string, from, to string) bool {
	return slices.ContainsFunc(graph[from], func(next string) bool {
		return next == to || reaches(graph, next, to)
	})
}

// mermaid writes a graph as the diagrams that forges show.
func mermaid(graph map[string][]string) string {
	var text strings.Builder
	text.WriteString("graph TD\n")
	text.WriteString("  module([module, C++]) --> bridge\n")
	for _, name := range slices.Sorted(maps.Keys(graph)) {
		for _, imported := range slices.Sorted(slices.Values(graph[name])) {
			fmt.Fprintf(&text, "  %s --> %s\n", node(name), node(imported))
		}
	}
	return text.String()
}

// node is a name without what the diagrams' language takes for its own.
func node(name string) string { return strings.ReplaceAll(name, "/", ".") }
