package limits

// What the logger needs, for those who hold limits against it.
const (
	// MostThreads is how many it has at most, all from its start on.
	MostThreads = 160
	// DescriptorsOfContainer is how many one container holds while it runs: two pipes, two
	// live files, two directories of series, and the sandbox.
	DescriptorsOfContainer = 7
	// DescriptorsInPassing are those of launches, rotations and compressions under way,
	// and of the logger itself.
	DescriptorsInPassing = 256
)

// Containers is how many containers a limit of descriptors has room for beside what is
// taken.
func Containers(l Limit) int64 {
	return max(0, l.Left()-DescriptorsInPassing) / DescriptorsOfContainer
}
