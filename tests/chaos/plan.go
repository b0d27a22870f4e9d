package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"sluice/core/settings"
)

// users of the containers: nobody and bin of Debian.
var users = []struct {
	name string
	id   uint32
}{{"nobody", 65534}, {"bin", 2}}

// container is one that is launched; its ID tells everything.
type container struct {
	id     string
	kind   string
	policy policy
	user   int
}

// Kinds of containers.
const (
	hostile = "hostile" // changes everything in its sandbox, until there is peace
	honest  = "honest"  // only writes, as long as the run lasts
	passing = "passing" // only writes, and ends after some seconds
	silent  = "silent"  // writes what is not kept
)

// lasting are the containers of the whole run.
func lasting() (all []container) {
	for i, p := range policies {
		all = append(all, container{hostile + "-" + p.name, hostile, p, i % 2}, container{honest + "-" + p.name, honest, p, i / 2 % 2})
	}
	for _, p := range discarded {
		all = append(all, container{silent + "-" + p.name, silent, p, 0})
	}
	return all
}

// passingIn are the containers that an owner launches beside.
func passingIn(generation int) (all []container) {
	for i := range 2 {
		p := policies[(2*generation+i)%len(policies)]
		all = append(all, container{fmt.Sprintf("%s-%s-%05d", passing, p.name, generation), passing, p, i})
	}
	return all
}

// containerOf finds the container of an ID.
func containerOf(id string) container {
	kind, rest, _ := strings.Cut(id, "-")
	name, _, _ := strings.Cut(rest, "-")
	for _, p := range append(policies[:len(policies):len(policies)], discarded...) {
		if p.name == name {
			return container{id: id, kind: kind, policy: p}
		}
	}
	panic("a container of no policy: " + id)
}

// place is where a run has its things.
type place string

func (p place) state() string               { return filepath.Join(string(p), "state") }
func (p place) boxes() string               { return filepath.Join(string(p), "boxes") }
func (p place) box(id string) string        { return filepath.Join(p.boxes(), id) }
func (p place) ends() string                { return filepath.Join(string(p), "ends.lock") }
func (p place) secret() string              { return filepath.Join(string(p), "secret") }
func (p place) notes() string               { return filepath.Join(string(p), "notes") }
func (p place) note(id, what string) string { return filepath.Join(p.notes(), id+"."+what) }

// Notes that concern every container: the fight ends, and so does the run.
const (
	peaceNote = "peace"
	homeNote  = "home"
)

func (p place) announcement(what string) string { return filepath.Join(p.notes(), what) }

func (p place) parameters() []settings.Parameter {
	return append([]settings.Parameter{{Key: "state_dir", Value: p.state()}}, parameters...)
}
