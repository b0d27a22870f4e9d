package check

import (
	"fmt"
	"io"
)

// Print writes the report for people: a line per finding as compilers have them, then
// what holds.
func (r *Report) Print(w io.Writer) error {
	out := &printer{w: w}
	for _, f := range r.Findings {
		out.line("%s: %s: %s", r.where(f), f.Severity, f.Text)
	}
	if r.dropped > 0 {
		out.line("%s: and %s more", r.Source, count(r.dropped, "finding"))
	}
	for _, l := range r.Loggers {
		out.logger(l)
	}
	switch errors := r.Errors(); {
	case errors > 0:
		out.line("%s, %s", count(errors, "error"), count(r.Warnings(), "warning"))
	case r.Warnings() > 0:
		out.line("no error, %s", count(r.Warnings(), "warning"))
	default:
		out.line("no error")
	}
	return out.err
}

// where is the file with line and column.
func (r *Report) where(f Finding) string {
	if f.Line == 0 {
		return r.Source
	}
	return fmt.Sprintf("%s:%d:%d", r.Source, f.Line, f.Column)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printer remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, values ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", values...)
	}
}

func (p *printer) logger(l Logger) {
	version := ""
	if l.Version != "" {
		version = ", sluice " + l.Version
	}
	if l.Mesos != "" {
		version += ", for " + l.Tree + " " + l.Mesos
	}
	p.line("\n%s (%s%s)", l.Module, l.Library, version)
	for _, policy := range l.Policies {
		p.line("  %s", policy.Stream)
		for _, words := range policy.Words {
			p.line("    %s", words)
		}
	}
	p.line("  disk at most, uncompressed")
	for _, policy := range l.Policies {
		p.line("    %-12s %s", policy.Stream, most(policy.MostBytes))
	}
	p.line("    %-12s %s", "a container", most(l.Disk.ContainerBytes))
	if l.Disk.Containers > 0 {
		p.line("    %-12s %s", count(l.Disk.Containers, "container"), most(l.Disk.NodeBytes))
	}
	if l.Disk.BudgetBytes > 0 {
		p.line("    all containers together %s: beyond that rotated files are deleted (node_max_bytes)", sizeWords(l.Disk.BudgetBytes))
	}
	if l.Disk.TaskBytes == unbounded {
		p.line("    a task can have more: without task_max_size and task_max_files its variables have no bound")
	} else if l.Disk.TaskBytes > l.Disk.ContainerBytes {
		p.line("    a task can have more: %s within task_max_size and task_max_files", sizeWords(l.Disk.TaskBytes))
	}
	p.line("")
}

func most(bytes int64) string {
	if bytes == unbounded {
		return "without bound"
	}
	return sizeWords(bytes)
}
