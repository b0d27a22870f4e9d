// Package sluicepb holds the project's own protocol messages: what the module
// hands to the core, and the record of a stream. The .pb.go files are generated
// with Debian's protoc and the generator that go.mod names.
package sluicepb

//go:generate sh -c "GOBIN=$(go env GOCACHE)/sluice-tools go install google.golang.org/protobuf/cmd/protoc-gen-go && protoc --plugin=protoc-gen-go=$(go env GOCACHE)/sluice-tools/protoc-gen-go -I. --go_out=. --go_opt=paths=source_relative launch.proto record.proto"
