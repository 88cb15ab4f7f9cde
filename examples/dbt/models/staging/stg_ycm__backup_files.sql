-- Made by scripts/generate.py from schemas/backup_files.json.
{%- set columns = loaded_columns('backup_files') %}

select
    {{ loaded(columns, 'backupFileId', 'bigint') }} as backup_file_id,
    {{ loaded(columns, 'backupFileType', 'text') }} as backup_file_type,
    {{ loaded(columns, 'backupTime', 'timestamp') }} as backup_time,
    {{ loaded(columns, 'backupFileName', 'text') }} as backup_file_name,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('backup_files', columns) }}
