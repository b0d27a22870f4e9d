package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// policy is what every logger is told to keep.
type policy struct {
	LimitBytes int64
	Keep       int // rotated files
	Compress   bool
	MaxDelay   string // sluice's max_delay; "" is its default
}

// Logger is one that is measured.
type Logger struct {
	Name string
	// Note for the document.
	Note string
	// WholeLines: rotates, and never cuts a line in two.
	WholeLines bool
	// Ceiling: not a logger, but what is there to win.
	Ceiling bool
	// needs is the program without which it is left out.
	needs string
	// start starts it for the streams of w and hands them over.
	start func(b *bench, w *writer, streams int, p policy) (*session, error)
}

// peer is a program that logs its standard input: one process per stream.
type peer struct {
	// command for a stream whose files go to dir.
	command func(b *bench, dir string, p policy) []string
	// files are written into dir before.
	files func(p policy) map[string]string
	// beside is one more command for all the streams, whose directories are below dir.
	beside func(dir string, p policy) []string
}

const (
	sluiceName    = "sluice"
	eagerName     = "C loop, eager"
	pausedName    = "C loop, 2 ms pause"
	s6Name        = "s6-log"
	rotateName    = "rotatelogs"
	originalName  = "mesos-logrotate-logger"
	originalNamed = "MESOS_LOGROTATE_LOGGER"
)

// loggers are all that are measured, in the order of tables and plots.
func loggers() []Logger {
	return []Logger{
		{Name: eagerName, Ceiling: true, Note: "ceiling: splice(2) to rotated files and nothing else, every write as it comes", start: ceiling(0)},
		{Name: pausedName, Ceiling: true, Note: "the same, with a pause of 2 ms after a look that found little", start: ceiling(2000)},
		{Name: sluiceName, WholeLines: true, Note: "in sluice-harness, through the library", start: startSluice},
		{Name: s6Name, WholeLines: true, needs: "s6-log", Note: "s6, one process per stream", start: peer{command: s6}.start},
		{Name: "svlogd", WholeLines: true, needs: "svlogd", Note: "runit, one process per stream", start: peer{command: svlogd, files: svlogdConfig}.start},
		{Name: "multilog", WholeLines: true, needs: "multilog", Note: "daemontools, one process per stream", start: peer{command: multilog}.start},
		{Name: rotateName, needs: "rotatelogs", Note: "Apache httpd, one process per stream; cuts lines", start: peer{command: rotatelogs}.start},
		{Name: "cat", needs: "cat", Note: "`cat >> file`, one process per stream; never rotates", start: peer{command: cat}.start},
		{Name: "copytruncate", needs: "logrotate", Note: "the same, and logrotate with copytruncate every second; cuts lines, and loses what is written meanwhile", start: peer{command: cat, beside: copytruncate}.start},
		{Name: originalName, needs: os.Getenv(originalNamed), Note: "what sluice takes the place of; one process per stream; cuts lines", start: peer{command: original}.start},
	}
}

// available tells why a logger has to be left out, or "".
func (l Logger) available() string {
	switch {
	case l.Name == originalName && l.needs == "":
		return fmt.Sprintf("%s: the environment variable %s names no binary", l.Name, originalNamed)
	case l.needs == "":
		return ""
	}
	if _, err := exec.LookPath(l.needs); err != nil {
		return fmt.Sprintf("%s: %v", l.Name, err)
	}
	return ""
}

func ceiling(pauseUS int) func(*bench, *writer, int, policy) (*session, error) {
	return peer{command: func(b *bench, dir string, p policy) []string {
		return []string{
			b.program("bench-ceiling"), number("pause_us", int64(pauseUS)), number("limit", p.LimitBytes),
			number("keep", int64(p.Keep)), dir + "/log",
		}
	}}.start
}

func s6(_ *bench, dir string, p policy) []string {
	script := []string{"s6-log", fmt.Sprintf("n%d", p.Keep), fmt.Sprintf("s%d", p.LimitBytes)}
	if p.Compress {
		script = append(script, "!gzip -nq")
	}
	return append(script, dir)
}

func svlogd(_ *bench, dir string, _ policy) []string { return []string{"svlogd", "-b", "65536", dir} }

func svlogdConfig(p policy) map[string]string {
	config := fmt.Sprintf("s%d\nn%d\n", p.LimitBytes, p.Keep+1)
	if p.Compress {
		config += "!gzip\n"
	}
	return map[string]string{"config": config}
}

func multilog(_ *bench, dir string, p policy) []string {
	script := []string{"multilog", fmt.Sprintf("n%d", p.Keep+1), fmt.Sprintf("s%d", min(p.LimitBytes, 16777215))}
	if p.Compress {
		script = append(script, "!gzip")
	}
	return append(script, dir)
}

func rotatelogs(_ *bench, dir string, p policy) []string {
	return []string{"rotatelogs", "-n", fmt.Sprint(p.Keep + 1), dir + "/log", fmt.Sprintf("%dK", p.LimitBytes>>10)}
}

func cat(_ *bench, dir string, _ policy) []string {
	return []string{"sh", "-c", `exec cat >> "$0"`, dir + "/log"}
}

func copytruncate(dir string, p policy) []string {
	config := fmt.Sprintf("%s/*/log {\n size %d\n rotate %d\n copytruncate\n%s}\n", dir, p.LimitBytes, p.Keep, compressLine(p))
	timer := `printf %s "$1" > "$0.conf" && while sleep 1; do logrotate -s "$0.state" "$0.conf"; done`
	return []string{"sh", "-c", timer, dir + "/logrotate", config}
}

func compressLine(p policy) string {
	if p.Compress {
		return " compress\n"
	}
	return ""
}

func original(_ *bench, dir string, p policy) []string {
	return []string{
		os.Getenv(originalNamed), "--log_filename=" + dir + "/log", fmt.Sprintf("--max_size=%dB", p.LimitBytes),
		fmt.Sprintf("--logrotate_options=rotate %d\n%s", p.Keep, compressLine(p)),
	}
}

// start starts a process per stream, with a pipe as a shell would make it, and
// gives the writing ends to the writer.
func (p peer) start(b *bench, w *writer, streams int, keep policy) (*session, error) {
	s := newSession(w.dir)
	for i := range streams {
		if err := p.startOne(b, s, w, filepath.Join(w.dir, fmt.Sprint(i)), keep); err != nil {
			return s, err
		}
	}
	if p.beside != nil {
		arguments := p.beside(w.dir, keep)
		command := exec.Command(arguments[0], arguments[1:]...)
		if err := s.start(command); err != nil {
			return s, err
		}
		s.beside = append(s.beside, command)
	}
	return s, nil
}

func (p peer) startOne(b *bench, s *session, w *writer, dir string, keep policy) error {
	command, end, err := p.launch(b, s, dir, keep)
	if err != nil {
		return err
	}
	defer end.Close()
	s.commands = append(s.commands, command)
	return w.give(int(end.Fd()))
}

// launch starts the process of one stream and gives the writing end of its pipe.
func (p peer) launch(b *bench, s *session, dir string, keep policy) (*exec.Cmd, *os.File, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, nil, err
	}
	if p.files != nil {
		for name, content := range p.files(keep) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				return nil, nil, err
			}
		}
	}
	var ends [2]int
	// Not os.Pipe: a descriptor of the writer must not be non-blocking.
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	reading, writing := os.NewFile(uintptr(ends[0]), "reading end"), os.NewFile(uintptr(ends[1]), "writing end")
	defer reading.Close()
	arguments := p.command(b, dir, keep)
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Stdin = reading
	if err := s.start(command); err != nil {
		writing.Close()
		return nil, nil, err
	}
	return command, writing, nil
}
