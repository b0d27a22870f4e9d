package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"unicode"

	"sluice/core/settings"
)

var (
	sink  logSink
	queue = newLogQueue(sink.write)
	log   = slog.New(newHostHandler())
)

// hostHandler writes log lines into the host's log: the message, then the attributes as
// key=value. It escapes control characters, so that nothing that a task wrote can begin a line
// of its own.
type hostHandler struct {
	attributes slog.Handler // writes into line
	line       *lockedBuffer
}

type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func newHostHandler() *hostHandler {
	line := &lockedBuffer{}
	return &hostHandler{line: line, attributes: slog.NewTextHandler(line, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{}
			}
			return a
		},
	})}
}

// Enabled lets everything from Info through, as glog does.
func (h *hostHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle queues one line for the host's log.
func (h *hostHandler) Handle(ctx context.Context, r slog.Record) error {
	h.line.Lock()
	defer h.line.Unlock()
	h.line.Reset()
	h.line.WriteString("sluice: ")
	h.line.WriteString(strings.Map(visible, r.Message))
	h.line.WriteByte(' ')
	if err := h.attributes.Handle(ctx, r); err != nil {
		return err
	}
	queue.put(severity(r.Level), bytes.Clone(bytes.TrimRight(h.line.Bytes(), " \n")))
	return nil
}

// WithAttrs gives a handler that adds attributes to every line.
func (h *hostHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &hostHandler{line: h.line, attributes: h.attributes.WithAttrs(attrs)}
}

// WithGroup gives a handler that puts further attributes into a group.
func (h *hostHandler) WithGroup(name string) slog.Handler {
	return &hostHandler{line: h.line, attributes: h.attributes.WithGroup(name)}
}

// visible keeps a message on its line.
func visible(r rune) rune {
	if unicode.IsControl(r) {
		return '?'
	}
	return r
}

// severity is the level as a number of glog.
func severity(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return 2
	case level >= slog.LevelWarn:
		return 1
	default:
		return 0
	}
}

func logNotes(notes []settings.Note) {
	for _, note := range notes {
		if note.Severity == settings.Warning {
			log.Warn(note.Text)
		} else {
			log.Info(note.Text)
		}
	}
}
