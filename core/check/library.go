package check

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// library is a shared object that the agent would load.
type library struct {
	path string
	// known says that the file could be read; symbols are then those that it offers.
	known   bool
	symbols []string
	// ours says that it is the library of this project, of version; mesos is the Mesos
	// whose headers it was built with, empty where that cannot be seen, and tree the name of
	// the tree that they are of.
	ours                 bool
	version, tree, mesos string
}

var (
	// description is what the module says of itself to the agent.
	description = regexp.MustCompile(`\x00Sluice container logger ([0-9A-Za-z.+~-]{1,64})(?: for ([A-Za-z][0-9A-Za-z]{0,63}) ([0-9A-Za-z.+~-]{1,64}))?\x00`)
	// sliceVersion is in a library that was built without an installed Mesos.
	sliceVersion = regexp.MustCompile(`\x00([0-9.]{1,16}-slice)\x00`)
)

// library checks the file of a library. It is looked into, not loaded: a library runs
// code as soon as it is loaded.
func (r *Report) library(n *node) (lib library) {
	file, name := r.text(n, "file"), r.text(n, "name")
	switch {
	case file != nil:
		lib.path = file.text
	case name != nil:
		file, lib.path = name, "lib"+name.text+".so"
	default:
		r.add(Error, n.at, "a library has neither \"file\" nor \"name\"; expected the path of libsluice_container_logger.so")
		return lib
	}
	if !strings.Contains(lib.path, "/") {
		r.add(Warning, file.at, "library %q has no slash in it: the agent searches for it where the dynamic linker does, "+
			"which is not checked; expected a path", lib.path)
		return lib
	}
	if !strings.HasPrefix(lib.path, "/") {
		r.add(Warning, file.at, "library %q is relative to wherever the agent is started; expected an absolute path", lib.path)
	}
	if err := lib.look(); err != nil {
		r.add(Error, file.at, "%v", err)
		return lib
	}
	return lib
}

// look reads what the file is and offers.
func (l *library) look() error {
	info, err := os.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("library %q does not exist", l.path)
	case err != nil:
		return fmt.Errorf("library %q: %w", l.path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("library %q is not a file", l.path)
	}
	f, err := elf.Open(l.path)
	var format *elf.FormatError
	if errors.As(err, &format) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("library %q is no shared library", l.path)
	}
	if err != nil {
		return fmt.Errorf("library %q: %w", l.path, err)
	}
	defer f.Close()
	if machine := machines[runtime.GOARCH]; f.Type != elf.ET_DYN || machine != 0 && f.Machine != machine {
		return fmt.Errorf("library %q is not a shared library for this machine: %s, %s", l.path, f.Type, f.Machine)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return fmt.Errorf("library %q: read its symbols: %w", l.path, err)
	}
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF && elf.ST_TYPE(s.Info) == elf.STT_OBJECT {
			l.symbols = append(l.symbols, s.Name)
		}
	}
	l.known = true
	data := constants(f)
	if found := description.FindSubmatch(data); found != nil {
		l.ours, l.version, l.tree, l.mesos = true, string(found[1]), string(found[2]), string(found[3])
	}
	if found := sliceVersion.FindSubmatch(data); found != nil && l.mesos == "" {
		l.tree, l.mesos = apache, string(found[1])
	}
	return nil
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// constants are the library's read-only data.
func constants(f *elf.File) []byte {
	section := f.Section(".rodata")
	if section == nil {
		return nil
	}
	data, err := section.Data()
	if err != nil {
		return nil
	}
	return append([]byte{0}, data...)
}

// offered checks that the library of a module has it.
func (r *Report) offered(m *module) {
	if m.broken || !m.library.known || slices.Contains(m.library.symbols, m.name) {
		return
	}
	m.broken = true
	expected := ""
	if m.library.ours {
		expected = "; it offers " + quotedList(ourModules)
	}
	r.add(Error, m.at, "library %q offers no module %q%s", m.library.path, m.name, expected)
}

// quotedList is names in words.
func quotedList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	const most = 10
	quoted := make([]string, 0, most+1)
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, strconv.Quote(name))
	}
	if more := len(names) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("%d more", more))
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " and " + quoted[len(quoted)-1]
}
