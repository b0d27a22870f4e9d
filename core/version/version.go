// Package version holds the version that the build stamps into every product.
package version

// Version is what `git describe` or the VERSION file said when the product was
// built; "dev" where no build said anything (go test, go run). Set by
// -ldflags "-X sluice/core/version.Version=...", never at run time.
var Version = "dev"

// Release is the text of the VERSION file: the release that the product is of or leads
// to. Stamped as Version is, empty where no build said anything.
var Release string

// Mesos is the version of Mesos whose headers the library beside the product was built
// with. Stamped as Version is, empty where no build said anything.
var Mesos string

// Tree is the name of the tree that these headers are of: "Mesos" for Apache's, or that of
// a fork, which may go under the same numbers.
var Tree string
