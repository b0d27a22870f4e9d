package check

import (
	"slices"

	"sluice/core/settings"
)

// module is one entry of a modules file.
type module struct {
	name    string
	at      position
	library library
	// given are the parameters with their places.
	given []parameter
	// broken says that the agent would refuse the entry as it stands.
	broken bool
}

type parameter struct {
	settings.Parameter
	key, value position
}

// ourModules are the names under which the library offers the logger.
var ourModules = []string{"org_apache_mesos_LogrotateContainerLogger", "sluice_ContainerLogger"}

// ours says that the module is this container logger: by what its library says, else
// by its name.
func (m module) ours() bool {
	return slices.Contains(ourModules, m.name) && (m.library.ours || !m.library.known)
}

// modules reads mesos.Modules as the agent does: a field that it does not know it
// ignores, null is a field that is not there, and a single value does for a list.
func (r *Report) modules(root *node) (found []module) {
	r.fields(root, "", "libraries")
	libraries := r.list(root, "libraries")
	if len(libraries) == 0 {
		r.add(Warning, root.at, "there is no library in \"libraries\": the agent loads no module")
	}
	for _, l := range libraries {
		r.fields(l, "a library", "file", "name", "modules")
		lib := r.library(l)
		for _, m := range r.list(l, "modules") {
			entry := r.module(m)
			entry.library = lib
			r.offered(&entry)
			found = append(found, entry)
		}
	}
	return found
}

func (r *Report) module(n *node) module {
	r.fields(n, "a module", "name", "parameters")
	m := module{at: n.at}
	if name := r.text(n, "name"); name != nil {
		m.name, m.at = name.text, name.at
	} else {
		m.broken = true
		r.add(Error, n.at, "a module has no \"name\"; expected one that its library offers, such as %q", ourModules[0])
	}
	for _, p := range r.list(n, "parameters") {
		r.fields(p, "a parameter", "key", "value")
		key, value := r.text(p, "key"), r.text(p, "value")
		if key == nil || value == nil {
			m.broken = true
			r.add(Error, p.at, "a parameter of module %q needs \"key\" and \"value\", both strings", m.name)
			continue
		}
		m.given = append(m.given, parameter{settings.Parameter{Key: key.text, Value: value.text}, key.at, value.at})
	}
	return m
}

// fields warns of what the agent would pass over without a word.
func (r *Report) fields(n *node, of string, known ...string) {
	for _, m := range n.members {
		if slices.Contains(known, m.key) {
			continue
		}
		where := ""
		if of != "" {
			where = " of " + of
		}
		r.add(Warning, m.at, "the agent ignores the unknown field %q%s; it knows %s", m.key, where, quotedList(known))
	}
}

// list gives the objects of a repeated field.
func (r *Report) list(n *node, field string) (objects []*node) {
	value := n.get(field)
	if value == nil || value.kind == kindNull {
		return nil
	}
	items := value.items
	if value.kind != kindArray {
		items = []*node{value}
	}
	for _, item := range items {
		switch item.kind {
		case kindObject:
			objects = append(objects, item)
		case kindNull:
		default:
			r.add(Error, item.at, "%q has %s in it, expected objects", field, item.kind)
		}
	}
	return objects
}

// text gives a field that is a string, or nil.
func (r *Report) text(n *node, field string) *node {
	value := n.get(field)
	if value == nil || value.kind == kindNull {
		return nil
	}
	if value.kind != kindText {
		r.add(Error, value.at, "%q is %s; the agent expects a string: put it in quotes", field, value.kind)
		return nil
	}
	return value
}

// choose gives the modules whose parameters the agent would read.
func (r *Report) choose(all []module, logger string) (chosen []module) {
	for _, m := range all {
		if m.library.mesosOwn() && slices.Contains(ourModules, m.name) && (logger == "" || m.name == logger) {
			r.stillMesosOwn(m)
			return nil
		}
	}
	names := []string{}
	for _, m := range all {
		names = append(names, m.name)
		if (logger == "" && m.ours() || logger != "" && m.name == logger) && !m.broken {
			chosen = append(chosen, m)
		}
	}
	switch {
	case logger != "" && !slices.Contains(names, logger):
		r.add(Error, position{}, "--container_logger=%s: there is no module of that name; the file has %s", logger, quotedList(names))
	case logger != "" && len(chosen) > 0 && !chosen[0].ours():
		r.add(Error, chosen[0].at, "--container_logger=%s: the module is not of this project; its parameters cannot be checked", logger)
		return nil
	case logger == "" && len(chosen) == 0 && r.Errors() == 0:
		r.add(Error, position{}, "there is no module of this container logger; expected %s in the library of sluice", quotedList(ourModules))
	case logger == "" && len(chosen) > 0:
		r.add(Info, chosen[0].at, "the agent uses the module only if it is started with --container_logger=%s", chosen[0].name)
	}
	if len(chosen) > 1 && logger != "" {
		return chosen[:1]
	}
	return chosen
}
