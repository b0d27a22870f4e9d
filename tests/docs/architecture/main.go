// Command architecture keeps docs/architecture.md true: it draws the imports of the
// packages, as they are, between the page's markers, and sets the line in each link to a
// function or a type. `make generate` calls it, and CI compares.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

//go:generate go run . -root=../../..

func main() {
	root := flag.String("root", ".", "directory of the project")
	flag.Parse()
	if err := update(*root); err != nil {
		fmt.Fprintln(os.Stderr, "architecture:", err)
		os.Exit(1)
	}
}

// update writes the page anew.
func update(root string) error {
	path := filepath.Join(root, "docs", "architecture.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rendered, err := render(root, string(page))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(rendered), 0o644)
}

// render makes the page as it should be of the page as it is.
func render(root, page string) (string, error) {
	graph, err := imports(root)
	if err != nil {
		return "", err
	}
	drawn, err := draw(page, graph)
	if err != nil {
		return "", err
	}
	return link(drawn, filepath.Join(root, "docs"))
}

const (
	begin = "<!-- imports: made by make generate -->\n"
	end   = "<!-- end of imports -->\n"
)

// draw puts the drawing between the markers.
func draw(page string, graph map[string][]string) (string, error) {
	before, rest, found := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("the page has no place for the drawing, expected %q and then %q", begin, end)
	}
	return before + begin + "```mermaid\n" + mermaid(graph) + "```\n" + end + after, nil
}

// A link to a definition is [`file.go` `Name`](path#L12) or [`Name`](path#L12), where the
// name of a method has that of its type before it.
var definition = regexp.MustCompile("`([\\w.]+)`\\]\\(([\\w./-]+\\.(?:go|hpp|h|cpp))(?:#L\\d+)?\\)")

// link sets the lines; paths are relative to dir.
func link(page, dir string) (string, error) {
	var failed error
	linked := definition.ReplaceAllStringFunc(page, func(whole string) string {
		parts := definition.FindStringSubmatch(whole)
		name, path := parts[1], parts[2]
		line, err := lineOf(filepath.Join(dir, path), name)
		if err != nil {
			failed = err
			return whole
		}
		return fmt.Sprintf("`%s`](%s#L%d)", name, path, line)
	})
	return linked, failed
}

// lineOf is where a file defines a function, a method or a type.
func lineOf(path, name string) (int, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	of, method, isMethod := strings.Cut(name, ".")
	pattern := `^(?:func|type) ` + regexp.QuoteMeta(name) + `\b`
	switch {
	case !strings.HasSuffix(path, ".go"):
		pattern = `^[^/]*\b` + regexp.QuoteMeta(name) + `\(`
	case isMethod:
		pattern = `^func \(\w+ \*?` + regexp.QuoteMeta(of) + `\) ` + regexp.QuoteMeta(method) + `\(`
	}
	wanted := regexp.MustCompile(pattern)
	for i, line := range strings.Split(string(source), "\n") {
		if wanted.MatchString(line) {
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("%s defines no %s; correct the link in docs/architecture.md", path, name)
}
