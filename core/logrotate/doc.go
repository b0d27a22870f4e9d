// Package logrotate is logrotate's option language: text in, Policy out, or an
// error that says where and why.
//
// It reads what stands between the braces of a logrotate configuration, as
// logrotate 3.21 reads it when the Mesos logrotate logger calls it: the same
// words, the same values, and an error wherever the real program would drop the
// section and never rotate again. What a policy means for files is the business of
// package rotation.
//
// Invariants: the package is pure, it opens nothing and looks nothing up; parsing
// is linear in the length of the text and does not recurse; every message is safe
// to log, whatever the text holds.
//
// It refuses what would lead out of the sandbox (include, braces and file names in
// the body, names with a slash, olddir elsewhere), what cannot be bounded (copy),
// what needs other programs (mail), and from a task everything that runs commands,
// unless the operator has allowed that.
package logrotate
