package limits

// What the logger needs, to compare with limits.
const (
	// MostThreads is how many threads it can have, all of them from its start on.
	MostThreads = 160
	// DescriptorsOfContainer is how many one container holds while it runs: two pipes, two
	// live files, two time indexes, two directories of series, and the sandbox.
	DescriptorsOfContainer = 9
	// DescriptorsInPassing are those of launches, rotations and compressions under way,
	// and of the logger itself.
	DescriptorsInPassing = 256
)

// Containers is how many containers still fit into a limit of descriptors.
func Containers(l Limit) int64 {
	return max(0, l.Left()-DescriptorsInPassing) / DescriptorsOfContainer
}
