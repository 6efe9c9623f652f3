# What could stand next; sh as all of these shells have it.
_mtactl_table='@WORDS@'

# From a running mtad, of which nothing is heard when it is not there.
_mtactl_ask() {
	mtactl ${_mtactl_socket:+-s} ${_mtactl_socket:+"$_mtactl_socket"} \
	    -j show "$1" 2>/dev/null </dev/null |
	    sed -n 's/^{"'"$2"'":"\([^"\\]*\)".*/\1/p'
}

# Kinds with commas in between; one candidate a line.
_mtactl_list() {
	local kind list
	list=$1,
	while [ -n "$list" ]; do
		kind=${list%%,*}
		list=${list#*,}
		case $kind in
		%peer)	_mtactl_ask peers name ;;
		%id)	_mtactl_ask queue id ;;
		%file)	printf '%s\n' %file ;;
		%text|'') ;;
		*)	printf '%s\n' "$kind" ;;
		esac
	done
}

# The row of a verb, without it.
_mtactl_row() {
	local key rest
	while IFS='|' read -r key rest; do
		if [ "$key" = "$1" ]; then
			printf '%s\n' "$rest"
			return 0
		fi
	done <<-TABLE
	$_mtactl_table
	TABLE
	return 1
}

_mtactl_verbs() {
	local key rest
	while IFS='|' read -r key rest; do
		case $key in
		*' '*|'') ;;
		*)	printf '%s\n' "$key" ;;
		esac
	done <<-TABLE
	$_mtactl_table
	TABLE
}

# The kind of value that an option takes: its name, all options.
_mtactl_value() {
	local options option
	options="$2 "
	while [ -n "$options" ]; do
		option=${options%% *}
		options=${options#* }
		case $option in
		"$1":*)	printf '%s\n' "${option#*:}"
			return 0 ;;
		esac
	done
	return 1
}

_mtactl_options() {
	local options option
	options="$1 "
	while [ -n "$options" ]; do
		option=${options%% *}
		options=${options#* }
		[ -z "$option" ] || printf '%s\n' "${option%%:*}"
	done
}

# The word so far, then those before it but for mtactl itself.
_mtactl_candidates() {
	local current row kind options
	current=$1
	shift
	_mtactl_socket=
	while [ $# -gt 0 ]; do
		case $1 in
		-s)	if [ $# -eq 1 ]; then
				printf '%s\n' %file
				return
			fi
			_mtactl_socket=$2
			shift 2 ;;
		-*)	shift ;;
		*)	break ;;
		esac
	done
	if [ $# -eq 0 ]; then
		case $current in
		-*)	_mtactl_options '-j -s' ;;
		*)	_mtactl_verbs ;;
		esac
		return
	fi
	if [ $# -gt 1 ] && row=$(_mtactl_row "$1 $2"); then
		shift 2
	elif row=$(_mtactl_row "$1"); then
		shift
	else
		return
	fi
	options=${row%%\|*}
	row=${row#*\|}
	while [ $# -gt 0 ]; do
		case $1 in
		-?*)	if kind=$(_mtactl_value "$1" "$options"); then
				if [ $# -eq 1 ]; then
					_mtactl_list "$kind"
					return
				fi
				shift
			fi ;;
		*)	case $row in
			*'|'*)	row=${row#*\|} ;;
			*...)	;;
			*)	row= ;;
			esac ;;
		esac
		shift
	done
	case $current in
	-*)	_mtactl_options "$options" ;;
	*)	row=${row%%\|*}
		_mtactl_list "${row%...}" ;;
	esac
}
