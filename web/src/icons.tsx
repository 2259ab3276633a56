/** Icons stand beside words or in buttons that have a name: screen readers pass over them. */
import {
  AimOutlined as AimLine,
  BlockOutlined as BlockLine,
  CalendarOutlined as CalendarLine,
  CaretDownFilled as CaretDownSolid,
  CaretUpFilled as CaretUpSolid,
  CheckCircleFilled as CheckCircleSolid,
  CloseCircleFilled as CloseCircleSolid,
  CloseOutlined as CloseLine,
  ColumnWidthOutlined as ColumnWidthLine,
  DeleteOutlined as DeleteLine,
  DownOutlined as DownLine,
  DownloadOutlined as DownloadLine,
  EditOutlined as EditLine,
  HighlightOutlined as HighlightLine,
  EnvironmentOutlined as EnvironmentLine,
  ExclamationCircleFilled as ExclamationCircleSolid,
  FilterFilled as FilterSolid,
  FilterOutlined as FilterLine,
  GlobalOutlined as GlobalLine,
  HistoryOutlined as HistoryLine,
  HolderOutlined as HolderLine,
  KeyOutlined as KeyLine,
  LeftOutlined as LeftLine,
  LinkOutlined as LinkLine,
  LoadingOutlined as LoadingLine,
  LockOutlined as LockLine,
  LogoutOutlined as LogoutLine,
  MenuOutlined as MenuLine,
  MinusOutlined as MinusLine,
  MoonOutlined as MoonLine,
  MoreOutlined as MoreLine,
  PlusOutlined as PlusLine,
  QuestionCircleOutlined as QuestionCircleLine,
  ReloadOutlined as ReloadLine,
  RightOutlined as RightLine,
  RollbackOutlined as RollbackLine,
  SearchOutlined as SearchLine,
  SettingOutlined as SettingLine,
  SunOutlined as SunLine,
  TableOutlined as TableLine,
  TranslationOutlined as TranslationLine,
  UndoOutlined as UndoLine,
  UserOutlined as UserLine,
  ArrowLeftOutlined as ArrowLeftLine,
  ArrowRightOutlined as ArrowRightLine,
  BookOutlined as BookLine,
  BranchesOutlined as BranchesLine,
  CaretRightOutlined as CaretRightLine,
  DiffOutlined as DiffLine,
  FieldTimeOutlined as FieldTimeLine,
  PauseOutlined as PauseLine,
  PrinterOutlined as PrinterLine,
  PushpinOutlined as PushpinLine,
  RetweetOutlined as RetweetLine,
  SaveOutlined as SaveLine,
  SplitCellsOutlined as SplitCellsLine,
  StepBackwardOutlined as StepBackwardLine,
  StepForwardOutlined as StepForwardLine,
  VideoCameraOutlined as VideoCameraLine,
} from "@ant-design/icons";
import type { ComponentProps, ComponentType } from "react";

type Props = ComponentProps<typeof PlusLine>;

function silent(Icon: ComponentType<Props>): ComponentType<Props> {
  return function Silent(props) {
    return <Icon aria-hidden="true" {...props} />;
  };
}

export const AimOutlined = silent(AimLine);
export const BlockOutlined = silent(BlockLine);
export const CalendarOutlined = silent(CalendarLine);
export const CaretDownFilled = silent(CaretDownSolid);
export const CaretUpFilled = silent(CaretUpSolid);
export const CheckCircleFilled = silent(CheckCircleSolid);
export const CloseCircleFilled = silent(CloseCircleSolid);
export const CloseOutlined = silent(CloseLine);
export const ColumnWidthOutlined = silent(ColumnWidthLine);
export const DeleteOutlined = silent(DeleteLine);
export const DownOutlined = silent(DownLine);
export const DownloadOutlined = silent(DownloadLine);
export const EditOutlined = silent(EditLine);
export const HighlightOutlined = silent(HighlightLine);
export const EnvironmentOutlined = silent(EnvironmentLine);
export const ExclamationCircleFilled = silent(ExclamationCircleSolid);
export const FilterFilled = silent(FilterSolid);
export const FilterOutlined = silent(FilterLine);
export const GlobalOutlined = silent(GlobalLine);
export const HistoryOutlined = silent(HistoryLine);
export const HolderOutlined = silent(HolderLine);
export const KeyOutlined = silent(KeyLine);
export const LeftOutlined = silent(LeftLine);
export const LinkOutlined = silent(LinkLine);
export const LoadingOutlined = silent(LoadingLine);
export const LockOutlined = silent(LockLine);
export const LogoutOutlined = silent(LogoutLine);
export const MenuOutlined = silent(MenuLine);
export const MinusOutlined = silent(MinusLine);
export const MoonOutlined = silent(MoonLine);
export const MoreOutlined = silent(MoreLine);
export const PlusOutlined = silent(PlusLine);
export const QuestionCircleOutlined = silent(QuestionCircleLine);
export const ReloadOutlined = silent(ReloadLine);
export const RightOutlined = silent(RightLine);
export const RollbackOutlined = silent(RollbackLine);
export const SearchOutlined = silent(SearchLine);
export const SettingOutlined = silent(SettingLine);
export const SunOutlined = silent(SunLine);
export const TableOutlined = silent(TableLine);
export const TranslationOutlined = silent(TranslationLine);
export const UndoOutlined = silent(UndoLine);
export const UserOutlined = silent(UserLine);
export const ArrowLeftOutlined = silent(ArrowLeftLine);
export const ArrowRightOutlined = silent(ArrowRightLine);
export const BookOutlined = silent(BookLine);
export const BranchesOutlined = silent(BranchesLine);
export const CaretRightOutlined = silent(CaretRightLine);
export const DiffOutlined = silent(DiffLine);
export const FieldTimeOutlined = silent(FieldTimeLine);
export const PauseOutlined = silent(PauseLine);
export const PrinterOutlined = silent(PrinterLine);
export const PushpinOutlined = silent(PushpinLine);
export const RetweetOutlined = silent(RetweetLine);
export const SaveOutlined = silent(SaveLine);
export const SplitCellsOutlined = silent(SplitCellsLine);
export const StepBackwardOutlined = silent(StepBackwardLine);
export const StepForwardOutlined = silent(StepForwardLine);
export const VideoCameraOutlined = silent(VideoCameraLine);
