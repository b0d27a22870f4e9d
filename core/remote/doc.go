// Package remote reads a rotated series through the operator API of a Mesos agent
// (LIST_FILES, READ_FILE), from another machine and without an account on the agent's.
//
// The API gives names, sizes and whole seconds, and neither inodes nor open files. So
// files are known by how they begin: by their first bytes, and by the bytes before the
// position that was reached. What was read under a name is given out only after the name
// was seen to belong to the same file still; if it does not, the file is looked for in
// the series, plain or compressed. Two files that begin with the same headBytes and are
// alike where one was left cannot be told apart: logs with times in their lines have none.
//
// What comes between two looks must still be in the series at the second: nothing can be
// held open from here. What the retention took is said, but its amount is not known.
package remote
